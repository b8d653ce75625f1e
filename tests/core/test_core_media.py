"""Images, sound and documents are told by type, size and digest, and never by their content."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from flightlog.core.capture import Encoder, Limits
from flightlog.redaction.gate import DefaultGate

gate = DefaultGate(b"key")


def captured(value):
    text, _ = Encoder(gate, Limits(), lambda: None).encode(value, "value")
    return json.loads(text)


def picture(kind, width=30, height=20, **options):
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, kind, **options)
    return out.getvalue()


def text_of(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (picture("JPEG", progressive=True), "image/jpeg"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (picture("WEBP", lossless=True), "image/webp"),
        (picture("WEBP", exif=b"Exif\0\0"), "image/webp"),
    ],
)
def test_a_picture_is_told_by_type_and_size_however_it_comes(data, kind):
    told = {"type": kind, "bytes": len(data), "width": 30, "height": 20, "digest": gate.digest(data)}
    encoded = text_of(data)
    forms = [
        data,
        bytearray(data),
        memoryview(data),
        encoded,
        encoded.rstrip("="),
        f"data:{kind};base64,{encoded}",
        f"data:application/octet-stream;base64,{encoded}",
    ]
    assert [captured(form) for form in forms] == [told] * len(forms)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7 " + bytes(100), "application/pdf"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(100), "audio/wav"),
        (b"ID3\x04" + bytes(100), "audio/mpeg"),
        (b"\xff\xfb\x90\x00" + bytes(100), "audio/mpeg"),
        (b"\0\0\0\x20ftypisom" + bytes(100), "video/mp4"),
        (b"\0\0\0\x20ftypM4A " + bytes(100), "audio/mp4"),
        (b"OggS\0" + bytes(100), "audio/ogg"),
        (b"fLaC\0" + bytes(100), "audio/flac"),
    ],
)
def test_sound_and_documents_are_told_by_type(data, kind):
    assert captured(data) == {"type": kind, "bytes": len(data), "digest": gate.digest(data)}
    assert captured(f"data:{kind};base64,{text_of(data)}") == captured(data)


def test_the_parts_of_messages_to_a_model_are_told_so():
    png = picture("PNG")
    told = captured(png)
    wav = b"RIFF\x24\0\0\0WAVEfmt " + bytes(100)
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text_of(png)}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": text_of(png)}},
        {"type": "input_audio", "input_audio": {"data": text_of(wav), "format": "wav"}},
    ]
    first, second, third = captured(parts)
    assert first["image_url"]["url"] == second["source"]["data"] == told
    assert third["input_audio"]["data"]["type"] == "audio/wav"


def test_data_urls_inside_a_text_are_replaced_and_what_stands_around_them_is_kept():
    png = picture("PNG")
    url = f"data:image/png;base64,{text_of(png)}"
    note = f"[image/png, {len(png)} bytes, {gate.digest(png)}]"
    request = json.dumps({"a": url, "b": [url, "tail"]})
    assert captured(request) == json.dumps({"a": note, "b": [note, "tail"]})
    assert captured(f"see ![it]({url}) there") == f"see ![it]({note}) there"


def test_large_data_has_one_digest_in_every_form_and_another_when_an_end_differs():
    png = picture("PNG") + bytes(3_000_001)
    told = captured(png)
    assert (told["bytes"], told["width"]) == (len(png), 30)
    assert captured(text_of(png)) == captured(f"data:image/png;base64,{text_of(png)}") == told
    assert captured(png[:-1] + b"x")["digest"] != told["digest"]
    assert captured(png + b"x")["digest"] != told["digest"]


@pytest.mark.parametrize(
    "text",
    [
        "/9j/ is how base64 of a JPEG begins, and this is a sentence that begins in the same way, is it not?",
        "iVBORw0KGgo" + "!" * 100,
        "data: " + "x" * 100,
        "a sentence that speaks of ;base64, without a data URL around it, and goes on for a while after that",
        "A" * 300,
    ],
)
def test_what_only_looks_like_it_stays_text(text):
    assert captured(text) == text


def test_a_data_url_that_is_damaged_is_still_not_written():
    told = captured("data:image/png;base64," + "not base64! " * 10)
    assert (told["type"], "width" in told) == ("image/png", False)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_head_that_was_cut_off_is_no_failure(kind):
    data = picture(kind)
    for length in range(len(data)):
        captured(data[:length])
