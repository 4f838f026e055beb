"""The chapters of an inquiry pack that tell what was sent, to whom, and what became of it."""

from collections.abc import Iterator

from broadcaster.db.by_hand import ByHand
from broadcaster.domain.audit_told import STATES
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.paper import NOT_RECORDED, Block, Exact, Lines, Points, Section, Words, table
from broadcaster.service.pack_chart import deliveries_over_time
from broadcaster.service.pack_frame import ACCEPTED_IS_NOT_READ, Frame, place_of
from broadcaster.service.pack_known import SentPost

UNKNOWNS = frozenset(
    {
        *("unknown_decided", "unknown_found_by_reading_back", "unknown_sent_again", "deliveries_quarantined"),
        *("unknown_left_to_a_person", "batch_taken_over", "deliveries_not_resent", "deliveries_restored"),
    }
)
KEPT = frozenset({"hold_placed", "hold_lifted", "message_redacted"})
ENDINGS = frozenset({"broadcast_stopped", "deliveries_cancelled", "deliveries_expired", "broadcast_done"})
SIGHTS = {
    "there": "seen there",
    "gone": "seen to be gone",
    "absent": "NOT found there",
    "differs": "found, and it differs from what was approved",
    "unreadable": "could not be read back",
    "looking": "not seen yet",
}


class Sent(Frame):
    def sections(self) -> Iterator[Section]:
        yield from self._texts()
        yield Section(title="To whom, and what became of it", blocks=tuple(self._reconciled()))
        yield Section(title="Deliveries over time", blocks=tuple(self._over_time()))
        yield Section(title="Seen where people read it", blocks=tuple(self._seen()))
        yield Section(title="By hand, and in other ways", blocks=tuple(self._by_hand()))
        yield Section(title="What was in doubt, and who decided", blocks=tuple(self._unknowns()))
        yield Section(title="How it ended", blocks=tuple(self._ended()))
        yield Section(title="Holds and redactions", blocks=(self._kept(),))
        yield Section(title="Faults and alarms meanwhile", blocks=tuple(self._faults()))
        yield Section(title="Who looked at this record", blocks=tuple(self._access()))

    def _texts(self) -> Iterator[Section]:
        k = self._known
        if k.broadcast:
            text = "The exact texts, as approved and sent, with what is filled in at the moment of sending."
        elif k.posts:
            text = "Handed over and not approved: nothing of this was sent. Marks in double brackets are filled in at sending."
        else:
            text = "Nothing was handed over, so there are no texts to show."
        approval = k.approval.manifest_sha256 if k.approval else ""
        blocks: list[Block] = [Words(text=text)]
        if approval:
            blocks.append(
                Lines(
                    rows=(("Approved digest", f"SHA-256 {approval} over all texts, places and the audience"),)
                )
            )
        yield Section(title="The exact texts", blocks=(*blocks, *(b for p in k.posts for b in _post(p))))

    def _reconciled(self) -> Iterator[Block]:
        k = self._known
        yield from self._audience()
        rows = []
        for place in self._board.places:
            states = "; ".join(f"{n:,} {STATES.get(s, s)}" for s, n in place.states.items() if n) or "none"
            total = sum(place.states.values())
            rows.append((place_of(place), f"{place.planned:,}", f"{total:,}", states))
        if rows:
            planned, total = sum(p.planned for p in self._board.places), sum(self._totals().values())
            rows.append(("In all", f"{planned:,}", f"{total:,}", ""))
        yield table(
            "Planned, and what became of each",
            ("Place", "Planned", "Counted", "State"),
            rows,
            parts=(5, 2, 2, 8),
            numbers=(1, 2),
            nothing="Nothing was sent, so there is nothing to count.",
        )
        if rows and planned != total:
            text = f"These do not add up: {planned:,} were planned and {total:,} are counted. That is a fault; see the alarms."
            yield Words(text=text, strong=True)
        elif rows:
            yield Words(text=f"Planned and counted add up. {ACCEPTED_IS_NOT_READ}")
        if k.broadcast and not self._board.over:
            yield Words(text=f"It was still being sent when this was made, {self._at(k.now)}.", strong=True)

    def _audience(self) -> Iterator[Block]:
        audience, said = self._known.audience, self._known.manifest.get("audience") or {}
        if audience is None:
            yield Words(text="It went to public places alone; there was no list of people.")
            return
        rows = (
            ("Audience", f"{audience.name}, version {audience.version}"),
            ("Imported", f"{self._at(audience.imported_at)} by {audience.imported_by}"),
            ("Source", audience.source or NOT_RECORDED),
            ("Lawful basis", audience.lawful_basis or NOT_RECORDED),
            ("Purpose", audience.purpose or NOT_RECORDED),
            ("To be reviewed", audience.review_on or NOT_RECORDED),
            ("Approved for", f"{said['count']:,} numbers" if "count" in said else NOT_RECORDED),
            ("Digest", f"SHA-256 {said['sha256']}" if "sha256" in said else NOT_RECORDED),
            ("Erased since import", f"{audience.erased:,}"),
        )
        yield Lines(rows=rows)
        left_out = self._totals().get(DeliveryState.SUPPRESSED, 0)
        yield Words(
            text=f"Left out when their turn came, since they had opted out or were erased: {left_out:,}. "
            "No number of any person stands in this paper."
        )

    def _over_time(self) -> Iterator[Block]:
        yield from deliveries_over_time(self._known.events, self._zone)

    # --- afterwards ---------------------------------------------------------------------------------------

    def _seen(self) -> Iterator[Block]:
        rows = []
        for p in self._board.places:
            if not p.to_people:
                sight = SIGHTS.get(str(p.sight), NOT_RECORDED) if p.sight else NOT_RECORDED
                links = [p.link] if not p.parts else [part.link for part in p.parts]
                rows.append(
                    (
                        place_of(p),
                        f"{sight}, {self._at(p.sight_at)}" if p.sight_at else sight,
                        "\n".join(links) or "none",
                    )
                )
        yield table(
            "Public posts, looked for a minute after they were accepted",
            ("Place", "Found", "Link"),
            rows,
            parts=(4, 5, 7),
            nothing="It had no public posts.",
        )
        yield Points(
            items=(
                f"Edits and deletions on the platforms after that: {NOT_RECORDED}.",
                f"How often a page was looked at, and what people answered there: {NOT_RECORDED} here.",
            )
        )

    def _by_hand(self) -> Iterator[Block]:
        posted = [each for p in self._board.places for each in p.by_hand]
        rows = [
            (self._at(each.at), each.who, _way(each), self._at(each.noted_at))
            for each in (*posted, *self._board.told)
        ]
        yield table(
            "What people attest that they did themselves",
            ("Done", "By", "How", "Noted"),
            rows,
            parts=(4, 3, 7, 4),
            nothing="Nobody noted that it was posted by hand, or told in another way.",
        )

    def _unknowns(self) -> Iterator[Block]:
        yield self._events(UNKNOWNS, "Outcomes that were not known", "No outcome was ever in doubt.")

    def _ended(self) -> Iterator[Block]:
        yield self._events(ENDINGS, "How it ended", "It has not ended, or was never sent.")

    def _kept(self) -> Block:
        return self._events(KEPT, "Legal holds and redactions", "Nothing of it was held or redacted.")

    def _faults(self) -> Iterator[Block]:
        yield table(
            "Of the whole installation, from a quarter of an hour before it was handed over to as long after its last event",
            ("When", "Event", "What"),
            [self._row(e) for e in self._known.faults],
            parts=(4, 2, 11),
            numbers=(1,),
            nothing="No fault and no alarm is recorded for that time.",
        )
        yield Points(items=(f"How exact the clock of the database's machine was: {NOT_RECORDED}.",))

    def _access(self) -> Iterator[Block]:
        yield table(
            "Who looked for it in the log, and who took something away",
            ("When", "Event", "What"),
            [self._row(e) for e in self._known.access],
            parts=(4, 2, 11),
            numbers=(1,),
            nothing="Nobody had looked for it in the log before, and nobody had taken anything away.",
        )
        text = "Looking is recorded once an hour for each person. That staff opened the message's own pages, or read the log on the "
        yield Points(items=(f"{text}machine's command line: {NOT_RECORDED}.",))


def _post(sent: SentPost) -> list[Block]:
    title = f"{sent.channel} ({sent.account})"
    if sent.post is None and sent.redacted:
        return [
            Words(text=f"{title}: {sent.redacted}. Its SHA-256 as approved was {sent.sha256}.", strong=True)
        ]
    if sent.post is None:
        text = f"{title}: what is stored is NOT what was approved, so it is not shown. Its SHA-256 is {sent.sha256}."
        return [Words(text=text, strong=True)]
    post = sent.post
    foot = [f"Link: {post.link}"] if post.link else []
    foot += [f"Picture {n}: {image.alt} (SHA-256 {image.sha256})" for n, image in enumerate(post.images, 1)]
    foot.append(
        f"Left out for want of room: {', '.join(post.left_out)}" if post.left_out else "Nothing was left out."
    )
    if sent.redacted:
        foot.append(f"Not as it was sent: {sent.redacted}. The digest is that of what was approved.")
    foot.append(f"Language: {post.language}. SHA-256 {sent.sha256}")
    beside = post.title and not post.text.startswith(post.title)  # the website's; others carry it in the text
    texts = [post.title, *post.parts] if beside else list(post.parts)
    return [Exact(title=title, texts=tuple(texts), language=post.language, foot=tuple(foot))]


def _way(each: ByHand) -> str:
    if each.link:
        return f"posted on {each.way}: {each.link}"
    words = (
        f"; what they noted of it is kept beside the record ({len(each.words):,} characters)"
        if each.words
        else ""
    )
    return f"told by {each.way}{words}"
