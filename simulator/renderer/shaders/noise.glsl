// Value noise: cheap, tileless, the same on every run.
float hash(vec2 p) {
    // No sine: it is what costs most in software.
    vec2 q = fract(p * vec2(0.61803399, 0.41421356));
    q += dot(q, q.yx + 27.13);
    return fract((q.x + 1.7) * (q.y + q.x) * 13.37);
}

float value_noise(vec2 p) {
    vec2 i = floor(p);
    vec2 f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}

float cloud_noise(vec2 p) {
    return 0.5 * value_noise(p) + 0.25 * value_noise(p * 2.03) + 0.125 * value_noise(p * 4.1)
         + 0.0625 * value_noise(p * 8.3);
}

vec3 linear(vec3 srgb) {
    return pow(srgb, vec3(2.2));
}
