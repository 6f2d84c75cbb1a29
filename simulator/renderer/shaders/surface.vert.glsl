// Body to world to clip space; hands the fragment stage body coordinates only: in software, every value passed costs.
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in vec3 in_colour;
in vec4 in_surface;

uniform mat4 model;
uniform mat4 view_projection;

out vec3 body_metres;
out vec3 body_normal;
out vec2 uv;
flat out vec3 colour;
flat out vec4 surface;  // roughness, metalness, slot, textured

invariant gl_Position;

void main() {
    vec4 world = model * vec4(in_position, 1.0);
    body_metres = in_position;
    body_normal = in_normal;
    uv = in_uv;
    colour = in_colour;
    surface = in_surface;
    gl_Position = view_projection * world;
}
