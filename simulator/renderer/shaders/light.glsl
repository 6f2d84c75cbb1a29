// Sun, sky, haze, local lamps, and the two shadow maps (still and moving things).
uniform vec3 eye;
uniform vec3 sun_direction;
uniform vec3 sun_rgb;
uniform vec3 sky_rgb;
uniform vec3 haze_rgb;
uniform float fog;
uniform sampler2DShadow still_shadow;
uniform sampler2DShadow moving_shadow;
uniform bool moving;  // whether moving things may shade this surface

#ifdef VEHICLE
#define MOST_LAMPS 4
#else
#define MOST_LAMPS 64
#endif
uniform vec4 lamps[MOST_LAMPS];  // where they hang, and their strength
uniform int lamp_count;
uniform vec3 lamp_rgb;

const float SHADOW_TEXEL = 1.0 / 2048.0;

float lit_share(sampler2DShadow map, vec3 at) {
    float lit = 0.0;
#ifdef VEHICLE
    return texture(map, vec3(at.xy, at.z - 0.0012));
#else
    for (int i = 0; i < 4; i++)
        lit += texture(map, vec3(at.xy + vec2(i % 2 - 0.5, i / 2 - 0.5) * SHADOW_TEXEL * 1.6, at.z - 0.0012));
    return lit / 4.0;
#endif
}

float sun_share(vec4 position) {
#ifdef NO_SHADOWS
    return 1.0;
#endif
    vec3 at = position.xyz / position.w * 0.5 + 0.5;
    if (any(lessThanEqual(at.xy, vec2(0.0))) || any(greaterThanEqual(at.xy, vec2(1.0)))) return 1.0;
    float lit = lit_share(still_shadow, at);
    return moving ? lit * lit_share(moving_shadow, at) : lit;
}

// Light of the lamps near by: x falls on the surface, y glances off it (sharper where gloss is high).
vec2 lamp_light(vec3 at, vec3 normal, vec3 view, float gloss) {
    vec2 sum = vec2(0.0);
    for (int i = 0; i < lamp_count; i++) {
        vec3 towards = lamps[i].xyz - at;
        float squared = dot(towards, towards);
        towards *= inversesqrt(squared);
        float reach = lamps[i].w * smoothstep(-0.05, 0.6, towards.y) / (squared + 1.5);
        sum.x += reach * max(dot(normal, towards), 0.0);
        float glance = max(dot(normal, normalize(towards + view)), 0.0);
        sum.y += reach * pow(glance, gloss) * step(0.0, dot(normal, towards));
    }
    return sum;
}

// What a mirror would see: sky above a skyline (jagged for vehicles, even for wet roads) above ground.
vec3 surroundings(vec3 direction) {
    vec3 sky = mix(sky_rgb * 1.25, sky_rgb * 0.75, clamp(direction.y * 1.3, 0.0, 1.0));
    vec3 ground = vec3(0.16, 0.155, 0.15) * (0.5 * sky_rgb + 0.5 * sun_rgb);
#ifdef VEHICLE
    float skyline = 0.10 + 0.16 * hash(vec2(floor(atan(direction.z, direction.x) * 5.0), 3.0));
#else
    float skyline = 0.12;
#endif
    vec3 houses = mix(vec3(0.30, 0.28, 0.26) * sky_rgb, ground, 0.2);
    return direction.y < 0.0 ? ground : mix(houses, sky, smoothstep(skyline - 0.03, skyline + 0.03, direction.y));
}
