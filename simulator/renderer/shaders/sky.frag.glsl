// What lies beyond the scenery: hills, a far skyline, a sky with clouds.
in vec2 at;
out vec4 pixel;

uniform mat4 backwards;  // clip space to world
uniform vec3 eye;
uniform vec3 sun_direction;
uniform vec3 sun_rgb;
uniform vec3 sky_rgb;
uniform vec3 zenith_rgb;
uniform vec3 haze_rgb;
uniform float clouds;
uniform float fog;
uniform float lamps_on;

//include noise
//include film

float far_houses(float azimuth, float width) {
    float block = floor(azimuth * width);
    return hash(vec2(block, width)) < 0.45 ? 0.0 : 0.012 + 0.034 * hash(vec2(block, width + 1.0));
}

void main() {
    vec4 far = backwards * vec4(at * 2.0 - 1.0, 1.0, 1.0);
    vec3 direction = normalize(far.xyz / far.w - eye);
    float up = max(direction.y, 0.0);
    vec3 light = mix(haze_rgb, zenith_rgb, pow(up, 0.45));
    vec2 drift = direction.xz / (up + 0.12);
    float cover = smoothstep(0.62 - 0.5 * clouds, 0.85 - 0.35 * clouds, cloud_noise(drift * 1.1 + 7.0) * 1.07);
    vec3 cloud = mix(haze_rgb * 1.1, sky_rgb * 1.15 + 0.12 * sun_rgb, 0.4 + 0.6 * cloud_noise(drift * 2.3));
    light = mix(light, cloud, cover * smoothstep(0.0, 0.12, up) * (0.45 + 0.45 * clouds));
    float towards_sun = max(dot(direction, sun_direction), 0.0);
    light += sun_rgb * (0.35 * pow(towards_sun, 40.0) + 0.12 * pow(towards_sun, 6.0)) * (1.0 - 0.8 * clouds);

    float azimuth = atan(direction.z, direction.x);
    float hills = 0.012 + 0.05 * cloud_noise(vec2(azimuth * 3.0, 2.0));
    float blocks = max(far_houses(azimuth, 37.0), far_houses(azimuth + 0.3, 61.0));
    float veil = exp(-250.0 * fog);
    if (direction.y < hills) light = mix(haze_rgb, vec3(0.09, 0.12, 0.09) * sky_rgb, 0.45 * veil);
    if (direction.y < blocks) {
        vec3 wall = vec3(0.26, 0.24, 0.23) * (0.6 + 0.6 * hash(vec2(floor(azimuth * 37.0), 4.0))) * (sky_rgb + 0.3 * sun_rgb);
        float window = step(0.94, hash(floor(vec2(azimuth * 420.0, direction.y * 420.0))));
        light = mix(haze_rgb, wall + lamps_on * window * vec3(0.8, 0.55, 0.3), 0.6 * veil);
    }
    pixel = vec4(developed(light), 1.0);
}
