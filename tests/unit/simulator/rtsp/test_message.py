import asyncio

import pytest

from simulator.rtsp.message import Interleaved, MalformedRequest, Request, read_message, reply, session_description


def parse(data):
    async def read():
        reader = asyncio.StreamReader(limit=4096)
        reader.feed_data(data)
        reader.feed_eof()
        messages = []
        while (message := await read_message(reader)) is not None:
            messages.append(message)
        return messages

    return asyncio.run(read())


def test_requests_and_binary_data_share_a_connection():
    data = b"PLAY rtsp://h/c1/track1 RTSP/1.0\r\nCSeq: 4\r\nSession: abc;timeout=60\r\n\r\n$\x01\x00\x03xyz\r\n"
    data += b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 5\r\nContent-Length: 4\r\n\r\nbodyOPTIONS * RTSP/1.0\r\nCSeq: 6\r\n\r\n"
    play, report, parameter, options = parse(data)
    assert (play.method, play.camera_id, play.session_id) == ("PLAY", "c1", "abc")
    assert report == Interleaved(1, b"xyz")
    assert (parameter.method, options.method) == ("SET_PARAMETER", "OPTIONS")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\n",
        b"PLAY rtsp://h/c RTSP/1.0\r\nno colon\r\n\r\n",
        b"PLAY rtsp://h/c RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n",
        b"PLAY rtsp://h/c RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"PLAY rtsp://h/c RTSP/1.0\r\n" + b"A: b\r\n" * 2 + b"".join(b"X%d: y\r\n" % k for k in range(80)) + b"\r\n",
        b"A" * 70_000,
    ],
    ids=["http", "tls", "header", "huge-body", "negative", "many-headers", "long-line"],
)
def test_what_is_not_rtsp_is_malformed(data):
    with pytest.raises(MalformedRequest):
        parse(data)


def test_a_cut_off_request_is_the_end():
    assert parse(b"PLAY rtsp://h/c RTSP/1.0\r\nCSe") == []


def test_reply_repeats_the_sequence_number_and_nothing_else_of_it():
    lines = reply(Request("OPTIONS", "*", {"cseq": "7"}), 200, {"Public": "PLAY"}, "v=0\r\n").decode()
    assert lines.startswith("RTSP/1.0 200 OK\r\nCSeq: 7\r\nPublic: PLAY\r\n")
    assert lines.endswith("Content-Length: 5\r\n\r\nv=0\r\n")
    assert b"evil" not in reply(Request("OPTIONS", "*", {"cseq": "evil"}), 404)


def test_session_description_names_rate_and_parameter_sets(make_clip):
    text = session_description("c1", make_clip(), 10**18)
    assert "a=rtpmap:96 H264/90000\r\n" in text
    assert "profile-level-id=42000a;sprop-parameter-sets=Z0IACg==,aM4=\r\n" in text
    assert "a=framerate:10\r\n" in text
