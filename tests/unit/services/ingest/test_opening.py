from detector.settings import DetectorSettings
from services.config import VreidConfig
from services.ingest.__main__ import own_sizes
from services.ingest.cameras import CameraSettings


def test_a_camera_of_the_general_input_size_needs_no_detector_of_its_own():
    sizes = (None, (512, 288), (320, 192), (256, 160), (320, 192))
    cameras = tuple(CameraSettings(id=f"c{k}", url="rtsp://h/s", input_size=size) for k, size in enumerate(sizes))
    detector = DetectorSettings(input_width_px=512, input_height_px=288)
    assert own_sizes(VreidConfig(cameras=cameras, detector=detector)) == [(256, 160), (320, 192)]
