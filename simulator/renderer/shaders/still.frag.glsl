// Scenery where only its outline counts: the id mask (0: no vehicle) and the still shadow map.
#extension GL_ARB_sample_shading : enable
in vec2 uv;
flat in vec4 surface;
in vec3 body_metres;
uniform float cut_below_m;
out uint pixel;

//include noise
//include leaves

void main() {
    if (body_metres.y < cut_below_m) discard;
    if (int(surface.z + 0.5) == SLOT_LEAVES && is_hole(uv, surface.x)) discard;
    pixel = uint(min(gl_SampleID, 0));  // per sample, as the picture is: holes must agree
}
