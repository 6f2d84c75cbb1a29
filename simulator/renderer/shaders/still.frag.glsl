// Scenery where only its outline counts: the id mask (0: no vehicle) and the still shadow map.
in vec2 uv;
flat in vec4 surface;
out uint pixel;

//include noise
//include leaves

void main() {
    if (int(surface.z + 0.5) == SLOT_LEAVES && is_hole(uv, surface.x)) discard;
    pixel = 0u;
}
