"""`vreid demo`: the bundled city over real RTSP, followed by the real processes, live or to its end and scored."""

from services.cli.demo.command import demo

__all__ = ["demo"]
