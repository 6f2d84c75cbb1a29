"""Where frames come from: live streams, files and images, each an iterator of frames in one thread. Retries nothing."""
