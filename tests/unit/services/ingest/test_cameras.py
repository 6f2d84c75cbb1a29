import pytest
from pydantic import ValidationError

from services.ingest.cameras import CameraSettings, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://10.0.0.5/ch1", "rtsp://10.0.0.5/ch1"),
        ("rtsp://me:pw@10.0.0.5:554/ch1", "rtsp://me:***@10.0.0.5:554/ch1"),
        ("rtsp://me:p@ss/w:rd@host/ch1", "rtsp://me:***@host/ch1"),
        ("rtsp://:pw@host/ch1", "rtsp://:***@host/ch1"),
        ("rtsp://me@host/ch1", "rtsp://me@host/ch1"),
        ("http://h/live?user=a&password=b&ch=1", "http://h/live?user=a&password=***&ch=1"),
        ("rtsp://h/user=admin_password=tlJwpbo6_channel=1.sdp", "rtsp://h/user=admin_password=***"),
        ("cannot open 'rtsp://me:pw@h/c': refused", "cannot open 'rtsp://me:***@h/c': refused"),
        ("no address", "no address"),
    ],
)
def test_passwords_are_hidden(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("url", "kind", "scheme"),
    [
        ("rtsp://h/c", "stream", "rtsp"),
        ("RTSPS://h/c", "stream", "rtsps"),
        ("https://h/c.mjpg", "stream", "https"),
        ("clips/street.mp4", "file", "file"),
        ("/data/a b.mkv", "file", "file"),
        ("file:///data/bus.JPG", "image", "file"),
        ("bus.png", "image", "file"),
    ],
)
def test_kinds_of_sources(url, kind, scheme):
    settings = CameraSettings(id="c1", url=url)
    assert (settings.kind, settings.scheme) == (kind, scheme)
    assert settings.live == (kind == "stream")


def test_a_file_address_names_its_path():
    assert str(CameraSettings(id="c", url="file:///data/bus.jpg").path) == "/data/bus.jpg"
    assert CameraSettings(id="c", url="a.mp4", realtime=True).live


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/c",
        "concat:a.mp4|b.mp4",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "pipe:0",
        "data:x",
        "rtsp:///c",
        "rtsp://h/a b",
        "rtsp://h/c\r\nX: y",
        "rtsp://[::1/c",
        "",
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(ValidationError):
        CameraSettings(id="c1", url=url)


def test_files_only_from_the_configuration():
    with pytest.raises(ValidationError, match="operator's configuration"):
        CameraSettings(id="c1", url="/etc/passwd", origin="runtime")


@pytest.mark.parametrize("camera_id", ["", "A", "a b", "a{b}", "a:b", "x" * 65])
def test_ids_are_safe_as_keys(camera_id):
    with pytest.raises(ValidationError):
        CameraSettings(id=camera_id, url="rtsp://h/c")


def test_neither_errors_nor_repr_show_a_password():
    assert "hunter2" not in repr(CameraSettings(id="c1", url="rtsp://me:hunter2@h/c"))
    with pytest.raises(ValidationError) as caught:
        CameraSettings(id="c1", url="gopher://me:hunter2@h/c")
    assert "hunter2" not in str(caught.value)
    assert CameraSettings(id="c1", url="rtsp://me:hunter2@h/c").shown_url == "rtsp://me:***@h/c"
