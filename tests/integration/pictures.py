"""A picture that says more than it shows, as an officer attaches it."""

from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from broadcaster.service.media import Attached

ALT = "The seafront between the pier and the lifeboat station is closed."
SECRET = b"Mrs Planted, 4 Canary Row"


def picture(colour: str = "red", *, side: int = 400, alt: str = ALT, name: str = "") -> Attached:
    """A PNG that says more than it shows."""
    texts, buffer = PngInfo(), BytesIO()
    texts.add_text("Author", SECRET.decode())
    Image.new("RGB", (side, side // 2), colour).save(buffer, "PNG", pnginfo=texts)
    return Attached(name=name or f"{colour}.png", content=buffer.getvalue(), alt=alt)
