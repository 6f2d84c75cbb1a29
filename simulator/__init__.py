"""The synthetic city: vehicles, places, traffic, rendering, truth, and the RTSP server that plays it."""
