"""Pictures out of a form, each with its alt text."""

from starlette.datastructures import FormData, UploadFile

from broadcaster.render.images import MAX_BYTES
from broadcaster.service.media import Attached


def attached(form: FormData) -> list[Attached]:
    """The pictures that were chosen, in their order; a field that was left empty is none."""
    alts = [str(alt) for alt in form.getlist("alt")]
    files = [f for f in form.getlist("image") if isinstance(f, UploadFile)]
    return [
        Attached(name=file.filename, content=file.file.read(MAX_BYTES + 1), alt=alt.strip())
        for file, alt in zip(files, alts + [""] * len(files), strict=False)
        if file.filename
    ]
