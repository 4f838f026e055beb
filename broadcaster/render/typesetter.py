"""A process of its own that sets one PDF and ends: what it may take of time and memory is bounded, whatever it is given.

Run as a file, with nothing of ours on its path. It reads one JSON object from standard input (`layout`, `root`, `fonts`,
`content`, `at`) and writes the PDF to standard output, or why not to standard error.
"""

import json
import re
import resource
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

MOST_MEMORY = 1 << 30  # of addresses; a pack of 200 pages took 150 MB, measured
MOST_CPU_S = 20
PATIENT, MOST_TRIES = 60, 100
TYPOGRAPHIC = "\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac"
FIRST_FOREIGN = 0x250  # what comes before are Latin letters, which our own fonts have
#: Typst 0.15 in words: PDF/UA wants every letter to be one of a font.
NO_LETTER = re.compile(r'the text `(".*?")` could not be displayed|codepoint `(".*?")`', re.DOTALL)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    asked = json.load(sys.stdin.buffer)
    sys.stdout.buffer.write(_set(asked))


def _set(asked: dict[str, Any]) -> bytes:
    """A letter that no font here has is told by its name: PDF/UA allows no letter that cannot be shown. What was written
    is attached, to the letter. The machine's fonts are asked only where ours lack something: so the same words give the
    same bytes wherever they are set, and nobody waits for five hundred fonts to be read."""
    import typst  # noqa: PLC0415 - after the bounds are set

    exact, content = json.dumps(asked["content"]), told(asked["content"], is_no_letter)
    compiler = _compiler(asked, system=False)
    asked_the_machine = False
    for number in range(MOST_TRIES):
        given = {"content": json.dumps(content), "exact": exact}
        try:
            made: bytes = compiler.compile(sys_inputs=given, pdf_standards="ua-1", timestamp=asked["at"])
        except typst.TypstError as error:
            missing = _missing(error.message)
            if not missing:
                raise
            if number >= PATIENT:
                content = told(content, _is_foreign)
            elif not asked_the_machine:
                compiler, asked_the_machine = _compiler(asked, system=True), True
            else:
                lacking = {_script(each) for each in missing} - {""}
                content = told(content, lambda c: c in missing or _script(c) in lacking)  # noqa: B023 - used at once
        else:
            return made
    raise SystemExit("there are too many letters in it that no font here has.")


def _is_foreign(letter: str) -> bool:
    return ord(letter) >= FIRST_FOREIGN and letter not in TYPOGRAPHIC


def _script(letter: str) -> str:
    """ETHIOPIC, ARABIC: of a script that lacks one letter no other is shown, or it would be tried a letter at a time.
    Empty for signs, and for ours."""
    latin = ord(letter) < FIRST_FOREIGN
    return "" if latin or not unicodedata.category(letter).startswith("L") else _first_word(letter)


def _first_word(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _compiler(asked: dict[str, Any], *, system: bool) -> Any:
    import typst  # noqa: PLC0415

    fonts = typst.Fonts(include_system_fonts=system, font_paths=[asked["fonts"]])
    return typst.Compiler(asked["layout"], root=asked["root"], font_paths=fonts)


def is_no_letter(letter: str) -> bool:
    """What is no letter: control characters, halves of a pair, places that nothing was given yet."""
    return unicodedata.category(letter) in {"Cc", "Cs", "Cn"} and letter not in "\n\t"


def _missing(message: str) -> set[str]:
    """Typst shows it as Rust does, a joiner as u{200d} behind a backslash."""
    found = NO_LETTER.search(message)
    if not found:
        return set()
    text = re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), (found[1] or found[2])[1:-1])
    return set(text.replace(r"\"", '"').replace("\\\\", "\\")) - {" "}


def told(content: Any, is_told: Callable[[str], bool]) -> Any:
    """The same with these letters told by their names, wherever they stand."""
    if isinstance(content, str):
        return "".join(_name(each) if is_told(each) else each for each in content)
    if isinstance(content, list):
        return [told(each, is_told) for each in content]
    if isinstance(content, dict):
        return {key: told(value, is_told) for key, value in content.items()}
    return content


def _name(letter: str) -> str:
    if unicodedata.category(letter) in {"Cf", "Mn", "Me"}:  # joins or changes what is beside it
        return ""
    return f"[{unicodedata.name(letter, f'U+{ord(letter):04X}').lower()}]"


if __name__ == "__main__":
    main()
