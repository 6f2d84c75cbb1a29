import asyncio

from simulator.rtsp.faults.kinds import Slow, Stall
from simulator.rtsp.faults.schedule import Active
from simulator.rtsp.faults.wire import Wire


class Sink:
    transport_header = ""

    def __init__(self):
        self.sent = []

    def backlog_bytes(self):
        return 7

    def send_rtp(self, packet):
        self.sent.append(packet)

    send_rtcp = send_raw = send_rtp


def run(conversation):
    async def body():
        sink, faults = Sink(), [()]
        await conversation(Wire("c1", sink, lambda: faults[0]), sink, faults)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(body())


def slow(**kwargs):
    return (Active(Slow(**kwargs), 0, 0),)


def test_without_faults_packets_pass_at_once():
    async def conversation(wire, sink, faults):
        faults[0] = (Active(Stall(), 0, 0),)
        wire.send_rtp(b"a")
        wire.send_rtcp(b"b")
        assert sink.sent == [b"a", b"b"]
        assert (wire.backlog_bytes(), wire.room_bytes) == (7, None)

    run(conversation)


def test_a_slow_link_holds_packets_and_lets_go_when_it_is_over():
    async def conversation(wire, sink, faults):
        faults[0] = slow(kbit_s=8, buffer_s=5)
        for k in range(4):
            wire.send_rtp(bytes([k]) * 1000)
        assert sink.sent == []
        assert wire.room_bytes == 5000
        assert 3900 <= wire.backlog_bytes() - 7 <= 4000
        faults[0] = ()
        wire.send_rtp(b"live")
        assert [packet[0] for packet in sink.sent] == [0, 1, 2, 3, ord("l")]

    run(conversation)


def test_a_long_link_delivers_in_order_by_itself():
    async def conversation(wire, sink, faults):
        faults[0] = slow(latency_s=0.02, jitter_s=0.03)
        for k in range(20):
            wire.send_rtp(bytes([k]))
        assert sink.sent == []
        while len(sink.sent) < 20:
            await asyncio.sleep(0.01)
        assert sink.sent == [bytes([k]) for k in range(20)]

    run(conversation)


def test_a_closed_wire_swallows_what_waits_and_what_comes():
    async def conversation(wire, sink, faults):
        faults[0] = slow(latency_s=0.01)
        wire.send_rtp(b"a")
        wire.close()
        wire.send_rtcp(b"b")
        await asyncio.sleep(0.05)
        assert sink.sent == []

    run(conversation)
