// Multiplies the cached background: by the cast shadow (contact false) or by the dimness beneath a body (contact true).
in vec3 body_position;
in vec4 sun_position;
out vec4 pixel;

uniform sampler2DShadow still_shadow;
uniform sampler2DShadow moving_shadow;
uniform float shade;       // what is left of the light where the sun is hidden
uniform vec2 half_size_m;  // of the body, for contact
uniform bool contact;
uniform float fog;

// What the air between leaves of a darkening.
vec4 veiled(float left) {
    return vec4(vec3(mix(1.0, left, exp(-1.4 * fog / gl_FragCoord.w))), 1.0);
}

void main() {
    if (contact) {
        vec2 outside = abs(body_position.xz) - half_size_m;
        float distance_m = length(max(outside, 0.0)) + min(max(outside.x, outside.y), 0.0);
        pixel = veiled(mix(0.35, 1.0, smoothstep(-0.35, 0.45, distance_m)));
        return;
    }
    vec3 at = sun_position.xyz / sun_position.w * 0.5 + 0.5;
    if (any(lessThanEqual(at.xy, vec2(0.0))) || any(greaterThanEqual(at.xy, vec2(1.0)))) discard;
    float already = texture(still_shadow, vec3(at.xy, at.z - 0.0012));
    if (already < 0.01) discard;
    float lit = 0.0;
    for (int i = 0; i < 4; i++)
        lit += texture(moving_shadow, vec3(at.xy + vec2(i % 2 - 0.5, i / 2 - 0.5) / 2048.0 * 1.8, at.z - 0.0005));
    lit /= 4.0;
    if (lit > 0.99) discard;
    pixel = veiled(mix(1.0, shade, already * (1.0 - lit)));
}
