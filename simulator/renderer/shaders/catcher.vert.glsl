// Thin sheets on the ground that receive the shadows of moving things; drawn a hair in front of the road.
in vec3 in_position;
uniform mat4 model;
uniform mat4 view_projection;
uniform mat4 sun_projection;
out vec3 body_position;
out vec4 sun_position;

void main() {
    vec4 world = model * vec4(in_position, 1.0);
    body_position = in_position;
    sun_position = sun_projection * world;
    gl_Position = view_projection * world;
    gl_Position.z -= 0.5 / max(gl_Position.w, 1.0);  // three quarters of a metre nearer: over kerbs too
}
