"""The choice of input sizes on the bundled city's clips, with the real detector in both sizes."""

import av
import pytest

from detector.settings import DetectorSettings
from detector.types import Frame
from services.ingest.__main__ import sized_settings
from services.ingest.cameras import CameraSettings
from services.ingest.input_size import SizeChooser
from services.ingest.looking import FrameLooker
from services.models.networks import detector_ready, open_detector
from simulator.city import load_city

USUAL, LARGE = (512, 288), (640, 384)
EVERY = 2


class Costs(SizeChooser):
    """What a frame costs is said here: this test is about what is seen."""

    def took(self, size, frames, seconds):
        super().took(size, frames, frames * (0.005 if size == USUAL else 0.008))


@pytest.fixture(scope="module")
def sized():
    settings = sized_settings(DetectorSettings(), LARGE)
    if not detector_ready(settings):
        pytest.skip("the larger input was not made: vreid models fetch")
    return {LARGE: open_detector(settings, 1)}


def pictures(camera, seconds):
    with av.open(str(camera.path)) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number >= 10 * seconds:
                return
            if number % EVERY == 0:
                yield number, picture.to_ndarray(format="bgr24")


def test_the_bridge_with_its_distant_vehicles_gets_more_pixels_and_the_market_does_not(detector, sized):
    city = load_city("demo")
    now_s = [0.0]
    chooser = Costs(USUAL, (LARGE,), lambda: now_s[0])
    cameras = {name: CameraSettings(id=name, url=f"rtsp://h/{name}", gate=False) for name in ("bridge", "market")}
    looker = FrameLooker(detector, cameras.get, sized=sized, chooser=chooser)
    changes = []
    for seen in zip(*(pictures(city.camera(name), 60) for name in cameras), strict=True):
        now_s[0] = seen[0][0] / 10
        frames = [
            Frame(name, "s", number, int(now_s[0] * 1e9), "host", image)
            for name, (number, image) in zip(cameras, seen, strict=True)
        ]
        assert all(found is not None for found in looker.look(frames, ()))
        changes += chooser.review()
    assert [(change.camera_id, change.size) for change in changes] == [("bridge", LARGE)]
    assert looker.input_size(cameras["market"]) == USUAL
