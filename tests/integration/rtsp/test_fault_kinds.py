"""Each kind of fault as a raw client sees it, byte by byte; the camera beside it goes on."""

import asyncio
import base64
import contextlib
import itertools
import time
from pathlib import Path

import pytest

from simulator.errors import CityError
from simulator.rtsp.faults.kinds import Drop, Garbage, Loss, Password, Resolution, Restart, Slow, Stall
from simulator.rtsp.faults.schedule import FaultSchedule, RandomFaults
from simulator.rtsp.faults.script import FaultPlan

CAMERAS = ("c1", "c2")
CUT = (ConnectionError, asyncio.IncompleteReadError)


@pytest.fixture
def play(talk, make_clip, connect, tmp_path):
    """Plays two cameras; the conversation gets a client that watches c1, one that watches c2, and the server."""

    def run(conversation, **kwargs):
        async def watched(client, server):
            beside = await connect(server, "c2")
            await start(client)
            await start(beside)
            await client.media()
            await conversation(client, server)
            await goes_on(beside)

        kwargs = {"clip": make_clip(), "cameras": CAMERAS, "cache": tmp_path} | kwargs
        talk(kwargs.pop("clip"), watched, **kwargs)

    return run


async def start(client):
    client.session = await client.set_up()
    assert (await client.ask("PLAY", Session=client.session))[0] == 200


async def goes_on(client):
    """The camera beside: every packet since it began, and it still comes."""
    before = [await client.media() for _ in range(30)]
    sequence = [int.from_bytes(packet[2:4], "big") for packet in before]
    assert all((b - a) % 2**16 == 1 for a, b in itertools.pairwise(sequence))
    client.packets.clear()
    await client.media()


async def last_of(client):
    """The last media packet of a stream that has fallen silent."""
    last = None
    with contextlib.suppress(TimeoutError):
        while True:
            last = await asyncio.wait_for(client.media(), 0.4)
    return last


async def parameter_set(client, wanted):
    """The first sequence parameter set in the stream that is wanted."""
    while True:
        packet = await client.media()
        if packet[12] & 0x1F == 24:
            sps = packet[15 : 15 + int.from_bytes(packet[13:15], "big")]
            if wanted(sps):
                return sps


async def endless(client):
    while True:
        await client.next_packet()


async def is_cut(client):
    with pytest.raises(CUT):
        await endless(client)


@pytest.mark.parametrize(("how", "status"), [("reset", None), ("refuse", 503), ("missing", 404)])
def test_drop_cuts_clients_and_turns_newcomers_away(play, connect, how, status):
    async def conversation(client, server):
        await server.inject(Drop(camera="c1", how=how))
        await is_cut(client)
        newcomer = await connect(server)
        if status is None:
            with pytest.raises(CUT):
                await newcomer.ask("DESCRIBE")
        else:
            assert (await newcomer.ask("OPTIONS"))[0] == 200
            assert (await newcomer.ask("DESCRIBE"))[0] == status
        await server.heal()
        newcomer = await connect(server)
        await start(newcomer)
        await newcomer.media()

    play(conversation)


def test_a_silent_drop_leaves_everything_open_and_says_nothing(play, connect):
    async def conversation(client, server):
        await server.inject(Drop(camera="c1", how="silent"))
        newcomer = await connect(server)
        newcomer.send("OPTIONS")
        client.send("GET_PARAMETER", Session=client.session)
        await last_of(client)
        await client.is_quiet()
        await newcomer.is_quiet()
        assert len(server.connections) == 3
        await server.heal()
        await client.media()

    play(conversation)


def test_a_stall_answers_and_sends_nothing_then_goes_on_live_at_a_keyframe(play):
    async def conversation(client, server):
        await server.inject(Stall(camera="c1"))
        assert (await client.ask("GET_PARAMETER", Session=client.session))[0] == 200
        last = await last_of(client)
        assert (await client.ask("GET_PARAMETER", Session=client.session))[0] == 200
        await asyncio.sleep(0.6)
        await client.is_quiet()
        await server.heal()
        packet = await client.media()
        assert packet[12] & 0x1F == 24
        assert packet[2:4] == ((int.from_bytes(last[2:4], "big") + 1) % 2**16).to_bytes(2, "big")
        assert int.from_bytes(packet[4:8], "big") > int.from_bytes(last[4:8], "big") + 90_000 // 2

    play(conversation)


def test_garbage_keeps_headers_and_loses_contents(play):
    async def conversation(client, server):
        await server.inject(Garbage(camera="c1"))
        packets = [await client.media() for _ in range(50)]
        assert {packet[:2] for packet in packets} <= {b"\x80\x60", b"\x80\xe0"}
        assert len({packet[12] & 0x1F for packet in packets}) > 5
        await server.heal()

    play(conversation)


def test_garbage_in_the_framing_is_no_packet(play):
    async def conversation(client, server):
        await server.inject(Garbage(camera="c1", where="framing"))
        with pytest.raises(AssertionError):
            await endless(client)

    play(conversation)


def test_another_size_comes_in_band_with_its_parameter_sets_and_in_the_next_description(play, connect, make_clip):
    own = make_clip().parameter_sets[0]

    async def conversation(client, server):
        await server.inject(Resolution(camera="c1", size=(64, 32)))
        other = await parameter_set(client, lambda sps: sps != own)
        newcomer = await connect(server)
        described = (await newcomer.ask("DESCRIBE"))[2]
        assert base64.b64encode(other).decode() in described
        assert base64.b64encode(own).decode() not in described
        await server.heal()
        assert await parameter_set(client, lambda sps: sps != other) == own

    play(conversation)


def test_an_announced_size_cuts_clients_when_it_begins_and_ends(play, connect):
    async def conversation(client, server):
        await server.inject(Resolution(camera="c1", announce="reconnect"))
        await is_cut(client)
        newcomer = await connect(server)
        await start(newcomer)
        await server.heal()
        await is_cut(newcomer)

    play(conversation)


def test_a_password_cuts_clients_and_is_asked_for_until_it_is_over(play, connect):
    async def conversation(client, server):
        await server.inject(Password(camera="c1", user="me", password="secret"))
        await is_cut(client)
        newcomer = await connect(server)
        status, headers, _ = await newcomer.ask("DESCRIBE")
        assert status == 401
        assert headers["WWW-Authenticate"].startswith("Digest ")
        await server.heal()
        assert (await newcomer.ask("DESCRIBE"))[0] == 200

    play(conversation)


def test_a_slow_link_loses_whole_groups_of_pictures(play, make_clip):
    async def conversation(client, server):
        session = next(c.sessions[client.session] for c in server.connections if client.session in c.sessions)
        await server.inject(Slow(camera="c1", kbit_s=3, buffer_s=1))
        while session.gate.dropped < 20:
            await asyncio.sleep(0.05)
        await server.heal()
        times = [int.from_bytes((await client.media())[4:8], "big") for _ in range(60)]
        assert times == sorted(times)
        assert max(b - a for a, b in itertools.pairwise(times)) > 90_000 // 20

    play(conversation)


def test_a_long_link_is_late_and_loses_nothing(play):
    async def conversation(client, server):
        await server.inject(Slow(camera="c1", latency_s=0.3, jitter_s=0.1))
        sequence = [int.from_bytes((await client.media())[2:4], "big") for _ in range(40)]
        assert all((b - a) % 2**16 == 1 for a, b in itertools.pairwise(sequence))

    play(conversation)


def test_loss_leaves_gaps_and_swaps_neighbours(play):
    async def conversation(client, server):
        await server.inject(Loss(camera="c1", share=0.3, reorder=0.2))
        sequence = [int.from_bytes((await client.media())[2:4], "big") for _ in range(40)]
        steps = [(b - a + 2**15) % 2**16 - 2**15 for a, b in itertools.pairwise(sequence)]
        assert max(steps) > 1
        assert min(steps) < 0

    play(conversation)


def test_a_restarted_camera_forgets_its_sessions_and_has_a_new_source(play, connect):
    async def conversation(client, server):
        source = (await client.media())[8:12]
        await server.inject(Restart(camera="c1", for_s=0.5))
        await is_cut(client)
        newcomer = await connect(server)
        with pytest.raises(CUT):
            await newcomer.ask("OPTIONS")
        await server.heal()
        newcomer = await connect(server)
        assert (await newcomer.ask("PLAY", Session=client.session))[0] == 454
        await start(newcomer)
        assert newcomer.session != client.session
        assert (await newcomer.media())[8:12] != source

    play(conversation)


def test_a_restarted_city_closes_its_port_and_opens_the_same(talk, make_clip, connect):
    async def conversation(client, server):
        await start(client)
        urls = server.urls()
        await server.inject(Restart(for_s=0.4))
        await is_cut(client)
        with pytest.raises(ConnectionRefusedError):
            await connect(server)
        newcomer = None
        while newcomer is None:
            await asyncio.sleep(0.05)
            with contextlib.suppress(ConnectionRefusedError):
                newcomer = await connect(server)
        assert server.urls() == urls
        await start(newcomer)
        await newcomer.media()

    talk(make_clip(), conversation)


def test_a_fault_that_holds_when_a_client_joins_applies_to_it(talk, make_clip, connect):
    plan = FaultPlan(FaultSchedule(("c1",), (Drop(how="refuse", at_s=0.5, for_s=2),)))
    events = []

    async def conversation(client, server):
        assert (await client.ask("DESCRIBE"))[0] == 503
        while (await client.ask("DESCRIBE"))[0] != 200:
            await asyncio.sleep(0.05)
        assert server.city_s() >= 2.5
        assert [(e.begins, e.at_s, e.cameras) for e in events] == [(True, 0.5, ("c1",)), (False, 2.5, ("c1",))]

    talk(make_clip(), conversation, plan=plan, on_event=events.append)


def test_injecting_what_does_not_fit_is_an_error(talk, make_clip):
    async def conversation(client, server):
        with pytest.raises(CityError, match="no camera 'c9'; the city has c1"):
            await server.inject(Drop(camera="c9"))

    talk(make_clip(), conversation)


def test_many_faults_leave_no_tasks_and_no_sockets(talk, make_clip, connect, tmp_path):
    """Clients come and go while faults of all kinds pass; then everything is as before."""
    settings = RandomFaults(
        seed=7, every_s=0.1, for_s=0.08, kinds=("drop", "stall", "garbage", "resolution", "password", "slow", "restart")
    )
    faults = (Restart(at_s=1.5, for_s=0.2, repeat_every_s=0.7),)

    def held():
        return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir()))

    async def visit(server, camera, until_s):
        while time.monotonic() < until_s:
            client = None
            with contextlib.suppress(*CUT, AssertionError, ValueError, KeyError, IndexError, UnicodeDecodeError):
                client = await connect(server, camera)
                await start(client)
                for _ in range(20):
                    await client.media()
            if client:
                client.writer.close()
            await asyncio.sleep(0.02)

    async def conversation(client, server):
        before = held()
        until_s = time.monotonic() + 4
        visits = [visit(server, camera, until_s) for camera in CAMERAS for _ in range(4)]
        await asyncio.gather(*(asyncio.wait_for(v, 20) for v in visits), return_exceptions=True)
        while server.connections:
            await asyncio.sleep(0.05)
        # The client that opened the conversation may have been cut with the port. Closing takes turns of the loop.
        for _ in range(100):
            tasks, files = held()
            if tasks <= before[0] and files <= before[1] + 1:
                break
            await asyncio.sleep(0.1)
        assert tasks <= before[0]
        assert files <= before[1] + 1

    plan = FaultPlan(FaultSchedule(CAMERAS, faults, settings))
    talk(make_clip(), conversation, cameras=CAMERAS, plan=plan, cache=tmp_path)
