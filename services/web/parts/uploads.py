"""Where pictures are dropped, pasted or picked. Takes files; what becomes of them is the page's affair."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from services.web.parts.dialogs import labelled
from services.web.texts import _
from services.web.visitor import Role, guarded

#: Largest picture, bytes.
LARGEST = 32 * 2**20
#: What is dropped goes the way of what is picked; what is pasted goes into the first zone that takes it.
SCRIPT = """
window.vreidGive = (zone, files) => {
  const input = zone?.querySelector('input[type=file]');
  const given = new DataTransfer();
  [...(files ?? [])].filter(f => f.type.startsWith('image/')).forEach(f => given.items.add(f));
  if (!input || !given.files.length || zone.dataset.off) return;
  input.files = given.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
};
document.addEventListener('paste', e => vreidGive(document.querySelector('.vr-drop'), e.clipboardData?.files));
for (const kind of ['dragover', 'drop']) document.addEventListener(kind, e => {
  const zone = e.target.closest?.('.vr-drop');
  if (!zone) return;
  e.preventDefault();
  if (kind === 'drop') vreidGive(zone, e.dataTransfer?.files);
});
"""


def drop_zone(
    text: str,
    taken: Callable[[str, bytes], Awaitable[None]],
    *,
    most: int = 1,
    needed: Role = Role.VIEWER,
) -> None:
    """A zone for pictures.

    Args:
        text: On its button.
        taken: Called with the name and the bytes of each picture.
        most: How many may be picked at once.
        needed: The role that may.
    """

    async def uploaded(event: events.UploadEventArguments) -> None:
        image = await event.file.read()
        if most == 1:
            upload.reset()
        await taken(event.file.name, image)

    with ui.element("div").classes("vr-drop w-full") as zone:
        # The toolkit's own uploader nests a control in a control; its input is used, its face is not.
        upload = ui.upload(
            on_upload=uploaded,
            auto_upload=True,
            multiple=most > 1,
            max_files=most,
            max_file_size=LARGEST,
            on_rejected=lambda: ui.notify(_("No picture that can be taken")),
        )
        upload.props('accept="image/*"').classes("hidden")
        button = ui.button(text, icon="add_photo_alternate").props("flat no-caps").classes("w-full vr-drop-button")
        guarded(labelled(button, text), needed)
        if not button.enabled:
            zone.props["data-off"] = "1"
        button.on("click", js_handler=f"() => getHtmlElement({zone.id}).querySelector('input[type=file]').click()")
