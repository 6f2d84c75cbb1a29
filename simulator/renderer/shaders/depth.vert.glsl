// Position only: shadow maps and id masks.
in vec3 in_position;
uniform mat4 model;
uniform mat4 view_projection;

invariant gl_Position;

void main() {
    vec4 world = model * vec4(in_position, 1.0);
    gl_Position = view_projection * world;
}
