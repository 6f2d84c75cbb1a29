// Bright heart, soft halo, a hint of a star.
in vec2 across;
flat in vec3 rgb;
out vec4 pixel;

void main() {
    float from_middle = length(across);
    if (from_middle > 1.0) discard;
    float heart = exp(-from_middle * from_middle * 60.0);
    float halo = 0.26 * exp(-from_middle * 4.5) * (1.0 - from_middle);
    float star = 0.12 * exp(-abs(across.x * across.y) * 160.0) * pow(1.0 - from_middle, 2.0);
    pixel = vec4(rgb * (heart * 1.6 + halo + star), 1.0);
}
