// Lays what a wet road mirrors over the picture, stretched and broken by ripples.
in vec2 at;
out vec4 pixel;

uniform sampler2D mirror;  // scene seen from below the ground; alpha 0 where there is nothing
uniform sampler2D ground;  // alpha: how much the surface at this pixel mirrors
uniform float strength;

//include noise

void main() {
    float mirroring = texture(ground, at).a;
    if (mirroring < 0.02) discard;
    vec4 sum = vec4(0.0);
    float ripple = (value_noise(at * vec2(160.0, 90.0)) - 0.5) * 0.010;
    for (int i = -4; i <= 4; i++)
        sum += texture(mirror, at + vec2(ripple, float(i) * 0.0062)) * (1.0 - 0.16 * abs(float(i)));
    sum /= 5.8;
    pixel = vec4(sum.rgb / max(sum.a, 0.001), sum.a * mirroring * strength);
}
