// A glow around a lamp: a square that faces the camera, at the lamp's own depth.
in vec2 in_position;
in vec4 in_lamp;   // where, and radius in metres
in vec3 in_rgb;
uniform mat4 view_projection;
uniform vec2 per_metre;  // clip units per metre at distance 1
out vec2 across;
flat out vec3 rgb;

void main() {
    vec4 middle = view_projection * vec4(in_lamp.xyz, 1.0);
    across = in_position;
    rgb = in_rgb;
    gl_Position = middle;
    gl_Position.xy += in_position * in_lamp.w * per_metre;
    gl_Position.z -= 0.6 * 0.6 / max(middle.w, 0.6);
}
