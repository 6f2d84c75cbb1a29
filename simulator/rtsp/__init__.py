"""The city's cameras as RTSP streams: stored H.264 packets, played on one clock, never re-encoded."""
