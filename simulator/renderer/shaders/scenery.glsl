// Streets, houses, plants and water, drawn from noise in world metres.
uniform float wet;
uniform float windows_lit;

//include facades

float puddles() {
    return smoothstep(0.46, 0.62, cloud_noise(world_position.xz * 0.23 + 3.0) * 1.07);
}

// How much of its surroundings a surface mirrors, seen at the shallow angle of a street camera.
float mirroring(int slot) {
    float slope = 1.0 - abs(normalize(eye - world_position).y);
    float water = slot == SLOT_ASPHALT || slot == SLOT_MARKING ? wet * (0.30 + 0.6 * puddles())
                : slot == SLOT_PAVEMENT || slot == SLOT_YARD ? wet * 0.25 : slot == SLOT_WATER ? 0.55 : 0.0;
    return water * (0.15 + 0.85 * slope * slope);
}

void asphalt(vec2 at, inout vec3 base, inout float rough, inout float coat) {
    float grain = cloud_noise(at * 1.3) * 0.55 + 0.45 * hash(floor(at * 45.0));
    base = vec3(0.068, 0.067, 0.066) + 0.042 * grain;
    base *= 0.88 + 0.24 * cloud_noise(at * 0.12 + 11.0);
    // Repairs: rectangles of darker, smoother surface with sealed edges.
    vec2 plot = floor(at / vec2(5.1, 7.7));
    vec2 within = fract(at / vec2(5.1, 7.7)) - 0.15 - 0.2 * vec2(hash(plot), hash(plot + 2.0));
    vec2 size = vec2(0.2 + 0.35 * hash(plot + 4.0), 0.12 + 0.4 * hash(plot + 6.0));
    if (hash(plot + 8.0) < 0.16 && all(greaterThan(within, vec2(0.0))) && all(lessThan(within, size))) {
        vec2 edge = min(within, size - within) * vec2(5.1, 7.7);
        base = min(edge.x, edge.y) < 0.05 ? vec3(0.025) : base * 0.72;
    }
    float crack = abs(value_noise(at * 0.7 + 0.35 * value_noise(at * 3.0)) - 0.5);
    if (crack < 0.006 && value_noise(at * 0.13 + 31.0) > 0.6) base *= 0.45;
    base *= mix(1.0, 0.8, smoothstep(0.6, 0.85, value_noise(at * 0.45 + 3.0) * value_noise(at * 1.9)));
    coat = wet * 0.6;
    rough = mix(0.9, 0.4, wet);
    base *= mix(1.0, 0.45, wet);
}

void shade_ground(int slot, inout vec3 base, inout float rough, inout float coat) {
    vec2 at = world_position.xz;
    rough = 0.9;
    if (slot == SLOT_ASPHALT) asphalt(at, base, rough, coat);
    else if (slot == SLOT_PAVEMENT) {
        vec2 slab = at / vec2(0.6, 0.4) + vec2(0.5 * floor(at.y / 0.4), 0.0);
        float joint = step(0.05, fract(slab.x)) * step(0.06, fract(slab.y));
        base = linear(colour) * (0.72 + 0.3 * cloud_noise(at * 0.6) + 0.14 * hash(floor(slab))) * mix(0.7, 1.0, joint);
        base *= mix(1.0, 0.75, smoothstep(0.55, 0.8, cloud_noise(at * 0.9 + 20.0) * 1.07));
        base *= step(0.006, hash(floor(at * 14.0))) * 0.25 + 0.75;
        base *= mix(1.0, 0.6, wet);
        coat = wet * 0.25;
    } else if (slot == SLOT_YARD) {
        float worn = smoothstep(0.35, 0.6, cloud_noise(at * 0.22 + 9.0) * 1.07);
        vec3 green = vec3(0.045, 0.058, 0.022) * (0.5 + 0.9 * cloud_noise(at * 3.0));
        base = mix(vec3(0.135, 0.125, 0.11) * (0.7 + 0.4 * cloud_noise(at * 2.0) + 0.2 * hash(floor(at * 25.0))), green, worn);
        base *= mix(1.0, 0.6, wet);
    } else if (slot == SLOT_GRASS) {
        float blades = 0.6 * cloud_noise(at * 6.0) + 0.5 * hash(floor(at * vec2(30.0, 22.0)));
        base = mix(vec3(0.030, 0.044, 0.015), vec3(0.062, 0.070, 0.028), cloud_noise(at * 0.3) * 1.07) * (0.45 + blades);
        base = mix(base, vec3(0.085, 0.072, 0.045), smoothstep(0.55, 0.8, value_noise(at * 0.15)) * 0.7);
    } else if (slot == SLOT_MARKING) {
        float worn = cloud_noise(at * 5.0) * 0.7 + 0.4 * hash(floor(at * 35.0));
        base = mix(linear(colour), vec3(0.09), smoothstep(0.45, 0.85, worn) * 0.75) * 0.86;
        base *= mix(1.0, 0.7, wet);
    } else if (slot == SLOT_WATER) {
        float ripple = cloud_noise(at * vec2(0.5, 1.3)) * 0.7 + 0.3 * value_noise(at * 3.0);
        base = mix(vec3(0.022, 0.034, 0.034), vec3(0.07, 0.09, 0.09), ripple * ripple);
        rough = 0.35;
        coat = 0.35;
    }
}

void shade_roof(int slot, inout vec3 base, inout float rough) {
    rough = 0.9;
    if (slot == SLOT_TILES) {
        vec2 tile = vec2(uv.x * 3.6 + 0.5 * floor(uv.y * 3.0), uv.y * 3.0);
        base *= (0.72 + 0.3 * hash(floor(tile))) * mix(0.55, 1.0, smoothstep(0.0, 0.3, fract(tile.y)));
        base = mix(base, vec3(0.07, 0.075, 0.05), 0.5 * smoothstep(0.5, 0.8, cloud_noise(uv * 0.5) * 1.07));
    } else base = vec3(0.11, 0.105, 0.10) * (0.7 + 0.5 * cloud_noise(uv * 0.6));
    base *= mix(1.0, 0.65, wet);
}

void shade_scenery(int slot, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    bool front = slot == SLOT_FACADE || slot == SLOT_TOWNHOUSE || slot == SLOT_OFFICE || slot == SLOT_INDUSTRY;
    if (front) shade_facade(slot, base, rough, coat, glow);
    else if (slot == SLOT_TILES || slot == SLOT_ROOFING) shade_roof(slot, base, rough);
    else if (slot == SLOT_FOLIAGE || slot == SLOT_LEAVES) {
        base *= 0.45 + 0.85 * cloud_noise(world_position.xz * 4.0 + world_position.y * 3.0) + 0.3 * hash(floor(uv * 7.0));
        rough = 1.0;
    } else if (slot == SLOT_STREET_LAMP) glow = windows_lit * vec3(5.0, 3.6, 2.1);
    else if (slot == SLOT_SIGNAL) glow = base * 1.3;
    else if (slot == SLOT_SIGN) {
        float ink = lettering(vec2(uv.x, fract(uv.y)), surface.x);
        base = mix(base, vec3(0.55), ink * 0.8);
        glow = windows_lit * base * surface.y;
    } else if (slot >= SLOT_ASPHALT) shade_ground(slot, base, rough, coat);
    else base *= 0.85 + 0.3 * cloud_noise(world_position.xz * 2.0 + world_position.y * 2.0);
}
