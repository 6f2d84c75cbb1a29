"""The camera wall: every camera's newest picture with its vehicles. Pictures are asked for while they are shown."""

from __future__ import annotations

from nicegui import ui

from services.errors import VreidError
from services.identity.store import CameraRecord
from services.live.wire import LivePicture
from services.web.drawing import DrawnBox, boxes_svg, colour_of, short
from services.web.parts.dialogs import labelled
from services.web.parts.frame import told
from services.web.site import Site
from services.web.texts import _, counted

_PICTURE_EVERY_S = 0.25
_STATE_EVERY_S = 2.0
_FEW = 4
_COLOURS = {"up": "positive", "starting": "deep-orange-10", "down": "negative", "ended": "grey-8"}


class Tile:
    """One camera on the wall."""

    def __init__(self, site: Site, camera: CameraRecord) -> None:
        self._site = site
        self._camera_id = camera.camera_id
        self._shown_ns = 0
        self._held: LivePicture | None = None
        self.paused = False
        with ui.card().classes("q-pa-sm w-full"):
            with ui.row().classes("items-center w-full no-wrap"):
                ui.label(camera.camera_id).classes("text-subtitle1").props('role="heading" aria-level="2"')
                self._state = ui.badge()
                ui.space()
                self._figures = ui.label().classes("text-caption")
                self._pick = ui.button(_("Search in it"), icon="image_search", on_click=self._search)
                self._pick.props("flat dense no-caps").visible = False
                self._button = ui.button(icon="pause", on_click=self._pause).props("flat dense round")
                labelled(self._button, f"{_('Pause')} {camera.camera_id}")
            self._picture = ui.interactive_image(sanitize=False).classes("w-full vr-image").props("role=group")
            labelled(self._picture, f"{_('Live picture of')} {camera.camera_id}")
            self._detail = ui.label().classes("text-caption vr-bad")
        self.tell(camera)

    def tell(self, camera: CameraRecord) -> None:
        """Shows how the camera fares."""
        self._state.text = camera.state
        self._state.props(f"color={_COLOURS.get(camera.state, 'grey-8')}")
        self._rate = f"{camera.stats.get('frames_per_s', 0):.0f} {_('frames/s')}"
        self._count(round(camera.stats.get("vehicles", 0)) if self._held is None else len(self._held.boxes))
        self._detail.text, self._detail.visible = camera.detail, bool(camera.detail)

    def _count(self, vehicles: int) -> None:
        self._figures.text = f"{self._rate} · {counted('{n} vehicle', '{n} vehicles', vehicles)}"

    async def refresh(self) -> None:
        """Shows the newest picture, if it is newer than what is shown."""
        if self.paused:
            return
        found = await self._site.live_picture(self._camera_id)
        if found is None or found.captured_at_ns == self._shown_ns:
            return
        self._shown_ns = found.captured_at_ns
        self._held = found
        self._picture.set_source(f"/media/live/{self._camera_id}?at={found.captured_at_ns}")
        self._picture.content = boxes_svg(self._boxes(found), found.width)
        self._count(len(found.boxes))

    def _pause(self) -> None:
        """Holds the picture, so that a vehicle can be picked."""
        self.paused = not self.paused
        self._button.props(f"icon={'play_arrow' if self.paused else 'pause'}")
        labelled(self._button, f"{_('Go on') if self.paused else _('Pause')} {self._camera_id}").update()
        self._pick.visible = self.paused and self._held is not None

    def _search(self) -> None:
        """Leads to the search with the picture that is held, where a vehicle or a box in it is chosen."""
        if self._held is not None:
            ui.navigate.to(f"/search?held={self._site.hold(self._held.jpeg)}")

    def _boxes(self, found: LivePicture) -> list[DrawnBox]:
        drawn = []
        for box in found.boxes:
            identity = self._site.identity_of(box.sighting_id) if box.sighting_id else ""
            label = f"{box.kind} {short(identity)}" if identity else box.kind
            href = f"/identity/{identity}" if identity else ""
            if not href and box.sighting_id:
                href = f"/search?sighting={box.sighting_id}"
            drawn.append(DrawnBox(box.xyxy, label, colour_of(identity), href))
        return drawn


async def wall(site: Site) -> None:
    """The page's content."""
    ui.label(_("A vehicle's box leads to its identity; pause a camera to pick one.")).classes("text-caption")
    grid = ui.element("div").classes("vr-grid")
    tiles: dict[str, Tile] = {}

    async def states() -> None:
        try:
            cameras = await site.ask(site.client.camera_list)
        except VreidError:
            return
        grid.style("--vr-least: 340px")
        if len(cameras) <= _FEW:
            grid.classes("vr-few")
        with grid:
            for camera in cameras:
                if camera.camera_id in tiles:
                    tiles[camera.camera_id].tell(camera)
                else:
                    tiles[camera.camera_id] = Tile(site, camera)

    async def pictures() -> None:
        for tile in list(tiles.values()):
            await tile.refresh()

    try:
        await site.ask(site.client.camera_list)
    except VreidError as exc:
        told(exc)
    await states()
    ui.timer(_STATE_EVERY_S, states)
    ui.timer(_PICTURE_EVERY_S, pictures)
