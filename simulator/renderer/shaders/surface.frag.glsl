// One fragment: what it is, how it is lit, and a filmic curve. Compiled twice, for vehicles and for scenery: in software
// both sides of every branch are paid for.
#ifdef SCENERY
#extension GL_ARB_sample_shading : enable
#endif
in vec3 body_metres;
in vec3 body_normal;
in vec2 uv;
flat in vec3 colour;
flat in vec4 surface;

out vec4 pixel;

uniform mat4 model;
uniform mat4 sun_projection;
uniform vec3 body_size;
#ifdef SCENERY
uniform bool only_ground;  // write what the ground reflects (rgb) and mirrors (alpha) instead of the picture
uniform float cut_below_m;
#endif

vec3 body_position;  // x, z in -0.5..0.5, y in 0..1
vec3 world_position;
vec3 world_normal;

//include noise
//include film
//include leaves
//include light
#ifdef VEHICLE
//include vehicle
#else
//include scenery
#endif

float square(float x) { return x * x; }

float fifth(float x) { return square(square(x)) * x; }

void main() {
    body_position = body_metres / body_size;
    world_position = (model * vec4(body_metres, 1.0)).xyz;
    world_normal = mat3(model) * body_normal;
    vec3 view = normalize(eye - world_position);
    vec3 normal = normalize(world_normal);
    if (dot(normal, view) < 0.0) normal = -normal;

    int slot = int(surface.z + 0.5);
    vec3 base = linear(colour);
    vec3 glow = vec3(0.0);
    float rough = surface.x;
    float metal = surface.y;
    float coat = 0.0;
#ifdef VEHICLE
    shade_vehicle(slot, base, rough, metal, coat, glow);
    float under = mix(0.35, 1.0, smoothstep(0.0, 0.35, body_position.y));
#else
    if (world_position.y < cut_below_m) discard;
    // Naming the sample makes every one of them be shaded: still scenery is drawn once, and noise must not glitter.
    if (slot == SLOT_LEAVES && is_hole(uv, surface.x)) discard;
    if (gl_SampleID < 0) discard;
    metal = 0.0;
    shade_scenery(slot, base, rough, coat, glow);
    float under = 1.0;
    if (only_ground) {
        pixel = vec4(base, mirroring(slot));
        return;
    }
#endif

    float facing = max(dot(normal, sun_direction), 0.0);
    float lit = facing > 0.0 ? sun_share(sun_projection * vec4(world_position, 1.0)) : 0.0;
    vec3 halfway = normalize(sun_direction + view);
    float highlight = max(dot(normal, halfway), 0.0);
    float alpha = max(rough, 0.05) * max(rough, 0.05);
    alpha *= alpha;
    float lobe = alpha / (3.1416 * square(highlight * highlight * (alpha - 1.0) + 1.0));
    vec3 reflectance = mix(vec3(0.04), base, metal);
    vec3 fresnel = reflectance + (1.0 - reflectance) * fifth(1.0 - max(dot(halfway, view), 0.0));

    vec3 ambient = mix(vec3(0.45) * sky_rgb, sky_rgb, 0.5 + 0.5 * normal.y) * under;
    vec3 light = base * (1.0 - metal) * (ambient * 0.75 + sun_rgb * facing * lit * 0.9);
    light += fresnel * min(lobe, 12.0) * 0.25 * sun_rgb * facing * lit;
#ifndef NO_LAMPS
    if (lamp_count > 0) {
        vec2 near = lamp_light(world_position, normal, view, coat > 0.3 ? 90.0 : 12.0);
        light += lamp_rgb * (base * (1.0 - metal) * near.x * under + (0.01 + 0.25 * coat) * near.y);
    }
#endif

    vec3 mirrored = surroundings(reflect(-view, normal));
    light += mirrored * metal * reflectance * under * (1.0 - rough * 0.6);
    if (coat > 0.0) {
        float edge = 0.04 + 0.96 * fifth(1.0 - max(dot(normal, view), 0.02));
        light = mix(light, mirrored * under, clamp(edge * coat, 0.0, 1.0));
        light += sun_rgb * pow(highlight, 600.0) * 6.0 * lit * coat;
    }
    light += glow;

    light = mix(light, haze_rgb, 1.0 - exp(-length(eye - world_position) * fog));
    pixel = vec4(developed(light), 1.0);
}
