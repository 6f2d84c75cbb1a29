// Streets, houses, plants and water, drawn from noise in world metres.
uniform float wet;
uniform float windows_lit;

void shade_ground(int slot, inout vec3 base, inout float rough, inout float coat) {
    vec2 at = world_position.xz;
    rough = 0.9;
    if (slot == SLOT_ASPHALT) {
        float grain = cloud_noise(at * 1.3) * 0.6 + 0.4 * hash(floor(at * 40.0));
        float patches = smoothstep(0.62, 0.66, value_noise(at * 0.11 + 5.0));
        base = vec3(0.075) + 0.05 * grain - 0.02 * patches;
        coat = wet * 0.6;
        base *= mix(1.0, 0.5, wet);
    } else if (slot == SLOT_PAVEMENT) {
        vec2 slab = fract(at / 0.9);
        float joint = step(0.04, slab.x) * step(0.04, slab.y);
        base = linear(colour) * (0.75 + 0.35 * cloud_noise(at * 3.0)) * mix(0.8, 1.0, joint);
        base *= mix(1.0, 0.65, wet);
    } else if (slot == SLOT_GRASS) {
        base = vec3(0.055, 0.085, 0.03) * (0.6 + 0.9 * cloud_noise(at * 2.0));
        base = mix(base, vec3(0.10, 0.085, 0.05), smoothstep(0.55, 0.75, value_noise(at * 0.15)));
    } else if (slot == SLOT_MARKING) {
        base = linear(colour) * (0.7 + 0.3 * cloud_noise(at * 6.0));
    } else {  // water
        float ripple = cloud_noise(at * vec2(0.5, 1.3)) * 0.7 + 0.3 * value_noise(at * 3.0);
        base = mix(vec3(0.03, 0.05, 0.055), vec3(0.12, 0.15, 0.16), ripple * ripple);
        rough = 0.35;
        coat = 0.15;
    }
}

// uv: metres along the wall and above the pavement; surface.x: a number that makes every house its own.
void shade_facade(inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    float own = surface.x;
    vec2 bay = vec2(2.4 + 1.6 * fract(own * 7.13), 2.9 + 0.7 * fract(own * 3.71));
    float shop_top = fract(own * 11.9) < 0.55 ? 3.6 : 0.0;
    float brick = step(0.5, fract(own * 5.3));
    rough = 0.9;
    base *= 0.8 + 0.3 * cloud_noise(uv * 0.7);
    if (brick > 0.5) {
        vec2 course = vec2(uv.x * 4.0 + 0.5 * floor(uv.y * 12.0), uv.y * 12.0);
        base *= 0.85 + 0.25 * hash(floor(course));
    }
    if (abs(world_normal.y) > 0.5) {
        base = vec3(0.12, 0.11, 0.10) * (0.8 + 0.3 * cloud_noise(uv));
        return;
    }
    if (uv.y < shop_top) {
        float unit = floor(uv.x / (bay.x * 1.8));
        vec3 trade = vec3(hash(vec2(unit, own)), hash(vec2(unit + 3.0, own)), hash(vec2(unit + 7.0, own)));
        float across = fract(uv.x / (bay.x * 1.8));
        if (uv.y > 2.8) base = linear(mix(vec3(0.25), trade, 0.6)) * 0.8;
        else if (across > 0.06 && across < 0.94 && uv.y > 0.5) {
            base = vec3(0.04) + 0.05 * trade * hash(floor(uv * 2.0));
            coat = 0.7;
            rough = 0.1;
            glow = windows_lit * vec3(1.0, 0.85, 0.6) * (0.06 + 0.16 * trade);
        }
        return;
    }
    vec2 cell = floor((uv - vec2(0.0, shop_top)) / bay);
    vec2 at = fract((uv - vec2(0.0, shop_top)) / bay);
    vec2 wide = vec2(0.2 + 0.1 * fract(own * 17.0), 0.22);
    if (at.y < 0.06) base *= 0.82;
    if (at.x > wide.x - 0.04 && at.x < 1.04 - wide.x && at.y > wide.y - 0.05 && at.y < 0.86) base = mix(base, vec3(0.4), 0.5);
    if (at.x > wide.x && at.x < 1.0 - wide.x && at.y > wide.y && at.y < 0.82) {
        float room = hash(cell + own * 31.0);
        float blind = step(0.82 - 0.5 * room, at.y) * step(0.55, room);
        base = mix(vec3(0.025, 0.03, 0.04), vec3(0.32, 0.30, 0.27), blind);
        rough = 0.1;
        coat = 0.8 * (1.0 - blind);
        if (hash(cell + 2.7 * own) < 0.4) glow = windows_lit * vec3(0.9, 0.7, 0.4) * 0.22;
    }
}

void shade_scenery(int slot, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    if (slot == SLOT_FACADE) shade_facade(base, rough, coat, glow);
    else if (slot == SLOT_FOLIAGE) {
        base *= 0.55 + 0.9 * value_noise(world_position.xz * 5.0 + world_position.y * 4.0);
        rough = 1.0;
    } else if (slot == SLOT_STREET_LAMP) glow = windows_lit * vec3(4.0, 3.2, 2.0);
    else if (slot >= SLOT_ASPHALT) shade_ground(slot, base, rough, coat);
}
