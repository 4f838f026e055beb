"""A form with a big file, written to the disk as it comes: a list of a million numbers is never held in memory, and never
lies in a shared folder for temporary files, which may be memory too.

The folder is private to this process's user, and whoever asked for the form removes it.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from broadcaster.domain.errors import Invalid, Unavailable
from broadcaster.service.uploads import Upload
from broadcaster.web.console.guard import CSRF, Desk, parts_of, require_token, signed_in

NO_ROOM = (
    "The file could not be stored: {}. Nothing was imported. Tell whoever looks after this installation."
)
BROKEN_OFF = "The file did not arrive whole. Nothing was imported. Send it again."


@dataclass(kw_only=True)
class Received:
    """`path` is None where no file was chosen, or an empty one. `name` is what the browser calls it."""

    upload: Upload
    fields: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    name: str = ""

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def remove(self) -> None:
        self.upload.remove()

    @property
    def folder(self) -> Path:
        return self.upload.folder

    def add_field(self, found: Field) -> None:
        name = (found.field_name or b"").decode("utf-8", "replace")
        self.fields[name] = (found.value or b"").decode("utf-8", "replace")

    def add_file(self, found: File) -> None:
        if found.actual_file_name:
            self.path = Path(found.actual_file_name.decode())
            self.name = (found.file_name or b"").decode("utf-8", "replace")
        found.close()


async def received(request: Request, desk: Annotated[Desk, Depends(signed_in)]) -> Received:
    """What one of our own forms sent. NotAllowed where another site made the browser send it; nothing is left then."""
    try:
        found = Received(upload=parts_of(request).uploads.begin())
    except OSError as error:
        raise Unavailable(NO_ROOM.format(error.strerror)) from error
    try:
        await _read(request, found)
        require_token(request, desk, found.text(CSRF))
    except BaseException:  # also where the browser goes away in the middle: the numbers must not stay
        found.remove()
        raise
    return found


async def _read(request: Request, found: Received) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":  # what was typed, sent again after signing in: without the file
        form = await request.form()
        found.fields.update((name, value) for name, value in form.items() if isinstance(value, str))
        return
    try:
        parser = FormParser(
            kind.decode("latin-1"),
            found.add_field,
            found.add_file,
            boundary=options.get(b"boundary"),
            config={"UPLOAD_DIR": str(found.folder), "UPLOAD_DELETE_TMP": False, "MAX_MEMORY_FILE_SIZE": -1},
        )
        async for chunk in request.stream():
            await asyncio.to_thread(parser.write, chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect) as error:
        raise Invalid(BROKEN_OFF) from error
    except OSError as error:
        raise Unavailable(NO_ROOM.format(error.strerror)) from error
