"""The server's side of the protocol, spoken to byte by byte."""

import asyncio
import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from simulator.city import City, CityCamera, write_city
from simulator.rtsp.clip import AccessUnit, Clip
from simulator.rtsp.connection import Limits
from simulator.rtsp.server import CityServer
from simulator.rtsp.timeline import RTP_OFFSET


def test_play_tells_media_time_sequence_and_rtp_time_of_its_first_packet(make_clip, talk):
    async def conversation(client, server):
        status, headers, _ = await client.ask("OPTIONS")
        assert status == 200
        assert {"DESCRIBE", "PLAY", "GET_PARAMETER", "TEARDOWN"} <= set(headers["Public"].split(", "))
        _, _, description = await client.ask("DESCRIBE")
        assert "a=control:track1" in description
        session = await client.set_up()
        status, headers, _ = await client.ask("PLAY", Session=session, Range="npt=0.000-")
        assert status == 200
        info = dict(part.split("=", 1) for part in headers["RTP-Info"].split(";"))
        npt_s = float(headers["Range"].removeprefix("npt=").removesuffix("-"))
        assert info["url"] == f"{client.url}/track1"
        assert int(info["rtptime"]) == RTP_OFFSET + round(npt_s * 90_000)
        channel, report = await client.next_packet()
        assert (channel, report[1]) == (1, 200)
        ntp, rtp_time = struct.unpack("!QI", report[8:20])
        wall_ns = ((ntp >> 32) - 2_208_988_800) * 10**9 + ((ntp & 0xFFFFFFFF) * 10**9 >> 32)
        assert abs((wall_ns - server.t0_ns) * 90_000 / 10**9 + RTP_OFFSET - rtp_time) <= 2
        channel, packet = await client.next_packet()
        assert channel == 0
        assert struct.unpack("!HI", packet[2:8]) == (int(info["seq"]), int(info["rtptime"]))
        assert packet[12] & 0x1F == 24
        assert (await client.ask("GET_PARAMETER", Session=session))[0] == 200
        assert (await client.ask("PLAY", Session=session))[0] == 455
        assert (await client.ask("TEARDOWN", Session=session))[0] == 200
        assert (await client.ask("PLAY", Session=session))[0] == 454

    talk(make_clip(), conversation)


def test_what_cannot_be_served_is_refused_and_the_connection_lives(make_clip, talk):
    async def conversation(client, server):
        statuses = [
            (await client.ask("RECORD"))[0],
            (await client.ask("DESCRIBE", client.url.replace("/c1", "/nobody")))[0],
            (await client.ask("SETUP", Transport="RTP/AVP;multicast"))[0],
            (await client.ask("SETUP", Transport="nonsense"))[0],
            (await client.ask("PLAY", Session="nobody"))[0],
            (await client.ask("DESCRIBE"))[0],
        ]
        assert statuses == [501, 404, 461, 461, 454, 200]

    talk(make_clip(), conversation)


def test_a_city_that_is_over_is_gone(make_clip, talk):
    async def conversation(client, server):
        assert (await client.ask("DESCRIBE"))[0] == 410
        assert server.ends_ns() < time.time_ns()

    talk(make_clip(), conversation, ago_s=100.0, loop=False)


def test_too_many_sessions_are_refused(make_clip, talk):
    async def conversation(client, server):
        await client.set_up()
        status, _, _ = await client.ask("SETUP", Transport="RTP/AVP/TCP;unicast;interleaved=2-3")
        assert status == 453

    talk(make_clip(), conversation, limits=Limits(max_sessions=1))


def test_a_silent_client_is_let_go_and_one_that_speaks_is_kept(make_clip, talk, connect):
    async def conversation(client, server):
        silent = await connect(server)
        await silent.ask("PLAY", Session=await silent.set_up())
        session = await client.set_up()
        while len(server.connections) > 1:
            assert (await client.ask("GET_PARAMETER", Session=session))[0] == 200
            await asyncio.sleep(0.05)

    talk(make_clip(), conversation, limits=Limits(session_timeout_s=0.5))


def test_a_slow_client_loses_whole_groups_and_costs_no_memory(talk):
    limit, gop, size = 50_000, 5, 8_000
    units = tuple(AccessUnit(k, k % gop == 0, (bytes([0x65 if k % gop == 0 else 0x41]) * size,)) for k in range(500))
    clip = Clip(Fraction(200), 160, 48, (b"\x67\x42\x00\x0a", b"\x68\xce"), units)

    async def conversation(client, server):
        transport = client.writer.transport
        client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        session_id = await client.set_up()
        await client.ask("PLAY", Session=session_id)
        transport.pause_reading()
        session = server.connections[0].sessions[session_id]
        largest = 0
        while session.gate.dropped < 3 * gop:
            largest = max(largest, session.sink.backlog_bytes())
            await asyncio.sleep(0.01)
        assert largest < limit + 2 * size
        transport.resume_reading()
        first_of_frame, times, gaps = True, [], 0
        while gaps == 0 or len(times) < 100:
            channel, packet = await client.next_packet()
            if channel == 0:
                rtp_time = int.from_bytes(packet[4:8], "big")
                if first_of_frame:
                    skipped = bool(times) and rtp_time != times[-1] + 450
                    gaps += skipped
                    assert not skipped or packet[12] & 0x1F == 24
                    times.append(rtp_time)
                assert rtp_time == times[-1]
                first_of_frame = bool(packet[1] & 0x80)

    talk(clip, conversation, limits=Limits(max_backlog_bytes=limit))


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 70_000, b"$\x00\xff\xff"])
def test_nonsense_costs_only_the_client_that_sent_it(make_clip, data, talk, connect):
    async def conversation(client, server):
        rogue = await connect(server)
        rogue.writer.write(data)
        rogue.writer.write_eof()
        await rogue.reader.read()
        assert (await client.ask("DESCRIBE"))[0] == 200

    talk(make_clip(), conversation)


def test_a_taken_port_is_an_error(make_clip):
    async def run():
        with socket.create_server(("127.0.0.1", 0)) as holder:
            server = CityServer({"c1": make_clip()}, port=holder.getsockname()[1])
            with pytest.raises(OSError, match="in use"):
                await server.start()
            await server.stop()

    asyncio.run(run())


@pytest.fixture
def city_folder(make_clip, tmp_path):
    clip = shutil.copy(make_clip.path(), tmp_path / "c1.mp4")
    (tmp_path / "ground_truth.txt").write_text("")
    camera = CityCamera("c1", 1, Path(clip), 160, 48, 60, {})
    write_city(City("small", 1, "street", 20.0, 0.0, (camera,), (), tmp_path / "ground_truth.txt", tmp_path))
    return tmp_path


def spawn(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "simulator.rtsp", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_the_process_serves_until_it_is_told_to_stop(city_folder):
    with spawn("--city", str(city_folder), "--t0-ns", "1700000000000000000", "--loop") as process:
        ready = json.loads(process.stdout.readline())
        assert ready["urls"]["c1"] == f"rtsp://127.0.0.1:{ready['port']}/c1"
        assert ready["t0_ns"] == 1_700_000_000_000_000_000
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_the_process_says_in_one_line_why_it_cannot_serve(city_folder, tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = str(holder.getsockname()[1])
        with spawn("--city", str(city_folder), "--port", taken) as process:
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err == f"simulator.rtsp: port {taken} is in use\n"
    with spawn("--city", str(tmp_path_factory.mktemp("empty"))) as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.count("\n") == 1


def test_the_process_plays_a_script_and_says_what_begins(city_folder, tmp_path_factory):
    script = tmp_path_factory.mktemp("script") / "faults.yaml"
    script.write_text("faults: [{kind: drop, how: refuse, at_s: 0.1}]")
    with spawn("--city", str(city_folder), "--loop", "--faults", str(script), "--clock", "c1=+5") as process:
        try:
            process.stdout.readline()
            assert process.stderr.readline() == "     0.1 s  c1: drop begins (refuse; without end)\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_a_city_played_once_ends_by_itself(city_folder):
    command = ["-m", "services.cli.main", "simulate", "serve", "--city", str(city_folder), "--once"]
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, *command], check=False, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0
    assert done.stdout.startswith("rtsp://127.0.0.1:")
