"""What all tests share: libraries that an oracle imports change nothing for the tests after it."""

import PIL.Image
import pytest


@pytest.fixture(autouse=True)
def _pillow_stays_as_it_is(monkeypatch):
    """ultralytics replaces PIL.Image.open when it is imported; the product never imports it where it reads pictures."""
    monkeypatch.setattr(PIL.Image, "open", PIL.Image.open)
