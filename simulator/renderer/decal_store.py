"""Decal layers on the device, the most recently drawn vehicles' at hand. Owns their textures, never the context."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from simulator.vehicles.appearance import Appearance
from simulator.vehicles.livery import LAYER_HEIGHT_PX, LAYER_WIDTH_PX, LAYERS, paint_layers

#: About 1.2 MB each with their mipmaps.
_KEPT = 128


class DecalStore:
    """Paints and uploads the layers of a vehicle once, as long as it is among the last drawn."""

    def __init__(self, context: Any, kept: int = _KEPT) -> None:
        self._gl = context
        self._kept = kept
        self._textures: OrderedDict[tuple[object, ...], Any] = OrderedDict()

    def texture(self, appearance: Appearance) -> Any:
        """The texture array of a vehicle's layers; valid until ``kept`` others were asked for."""
        key = (appearance.model, appearance.decals, appearance.plate_seed)
        if key in self._textures:
            self._textures.move_to_end(key)
            return self._textures[key]
        layers = paint_layers(appearance)
        texture = self._gl.texture_array((LAYER_WIDTH_PX, LAYER_HEIGHT_PX, len(LAYERS)), 4, layers.tobytes())
        texture.repeat_x = texture.repeat_y = False
        texture.build_mipmaps()
        self._textures[key] = texture
        if len(self._textures) > self._kept:
            self._textures.popitem(last=False)[1].release()
        return texture

    def forget(self) -> None:
        """Frees all of them."""
        for texture in self._textures.values():
            texture.release()
        self._textures.clear()
