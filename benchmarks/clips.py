"""Uploads a small picture, and waits until it is cleaned. Not for measuring: one request after the other, and then polls."""

import asyncio
from base64 import b64encode
from io import BytesIO

import httpx
from PIL import Image

from benchmarks.connection import Address

CLEANED_S_MAX = 30.0
POLLS_EVERY_S = 0.05


class NotCleaned(RuntimeError):
    """The picture was refused, or was not cleaned in time."""


async def upload_picture(address: Address, family: str, *, token: str) -> str:
    """Returns the id of a new clip of a member, which is clean and attached to nothing.

    Raises:
        NotCleaned: the picture was refused, or was not cleaned within 30 s.
    """
    written = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(written, "PNG")
    picture = written.getvalue()
    headers = {
        "Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(len(picture)),
        "Upload-Metadata": f"filetype {b64encode(b'image/png').decode()}", "Content-Type": "application/offset+octet-stream",
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=f"http://{address.host}:{address.port}", headers=headers) as http:
        created = await http.post(f"/v1/families/{family}/clips", content=picture)
        path = str(created.headers["location"])
        for _ in range(int(CLEANED_S_MAX / POLLS_EVERY_S)):
            if (await http.get(path)).json()["state"] == "cleaned":
                return path.split("/")[-2]
            await asyncio.sleep(POLLS_EVERY_S)
    raise NotCleaned(path)
