// Paint and cues of one vehicle, placed in body coordinates so that every side can carry its own.
uniform vec3 paint_rgb;
uniform vec3 panel_rgb;
uniform float metallic;     // share of metal flakes in the paint
uniform vec3 rim_rgb;
uniform vec4 rim_wave;      // spokes: cos(n a) as a polynomial of (cos a)^2 ...
uniform vec2 rim_turn;      // ... times cos a if x is 1, of doubled frequency if y is 1
uniform vec4 rim_shape;     // hub radius, ring radius, lowest and highest value of the wave that is metal
uniform vec2 bare_wheel;    // signs of x and z of the wheel without its cap; 0: none
uniform vec3 glass_rgb;
uniform vec3 rear_glass_rgb;
uniform vec4 alike;         // x, z towards the side that twins share, its layer, how far cameras look down (0: no twin):
                            // decals of other layers are left out where such a camera sees them
uniform vec4 band;          // rgb and height of the lower body band; height 0: none
uniform vec4 roof;          // rgb and 1 if the roof has its own colour
uniform vec4 bonnet;        // rgb and 1 if the bonnet has its own colour
uniform vec4 front_bumper;  // rgb and 1 if unpainted or replaced
uniform vec4 rear_bumper;
uniform vec4 visor;         // rgb of the strip on the windscreen and its depth as a share of the glass; 0: none
uniform vec2 windscreen;    // lower and upper end as shares of the height
uniform vec3 front_lamp;
uniform vec3 rear_lamp;
uniform float dirt;
uniform float dirt_seed;
uniform float lamps_on;
uniform bool has_decals;
uniform sampler2DArray decals;  // left, right, front, rear, top, rear window, plate; see livery.py
uniform sampler2D mesh_texture;

vec4 decal_at(int slot) {
    vec3 p = body_position;
    vec3 n = body_normal;
    vec3 towards = eye - world_position;
    if (dot(world_normal, towards) < -0.15 * length(towards)) n = -n;  // some meshes have sheets turned inside out
    bool aside = abs(n.x) > 0.6;
    float layer = aside ? (n.x > 0.0 ? 0.0 : 1.0) : n.y > 0.6 ? 4.0 : n.z > 0.0 ? 2.0 : 3.0;
    if (slot == SLOT_GLASS) layer = aside || abs(n.z) < 0.2 ? -1.0 : n.z > 0.0 ? 2.0 : 5.0;
    float outward = layer == 0.0 || layer > 2.5 ? -1.0 : 1.0;
    vec3 at = vec3(0.5 + outward * (layer < 1.5 ? p.z : p.x), layer == 4.0 ? 0.5 - p.z : 1.0 - p.y, layer);
    bool bare = slot == SLOT_PLAIN && (layer < 1.5 || layer > 3.5 || abs(p.z) < 0.4);
    bool hidden = layer != alike.z && layer < 3.5 && dot(n.xz, alike.xy) + alike.w * n.y > 0.0;
    if (slot == SLOT_PLATE) at = vec3(uv, 6.0);
    vec4 decal = texture(decals, at);
    return bare || hidden || layer < 0.0 ? vec4(0.0) : decal;
}

// Spokes, hub and ring, from the place on the wheel.
void shade_rim(inout vec3 base, inout float rough, inout float metal) {
    float radius = length(uv);
    float c = uv.x / max(radius, 0.001);
    float s = c * c;
    float wave = rim_wave.x + s * (rim_wave.y + s * (rim_wave.z + s * rim_wave.w));
    if (rim_turn.x > 0.5) wave *= c;
    if (rim_turn.y > 0.5) wave = 2.0 * wave * wave - 1.0;
    bool is_metal = radius < rim_shape.x || radius > rim_shape.y || (wave > rim_shape.z && wave < rim_shape.w);
    bool bare = dot(bare_wheel, bare_wheel) > 0.0 && body_position.x * bare_wheel.x > 0.0 && body_position.z * bare_wheel.y > 0.0;
    base = bare ? vec3(0.012) * (radius < 0.35 ? 4.0 : 1.0) : is_metal ? rim_rgb : vec3(0.008);
    rough = 0.35;
    metal = is_metal && !bare ? 0.6 : 0.0;
}

vec3 painted() {
    vec3 p = body_position;
    vec3 base = paint_rgb;
    if (roof.w > 0.5 && p.y > windscreen.y - 0.06 && body_normal.y > 0.35) base = roof.rgb;
    if (bonnet.w > 0.5 && p.z > 0.13 && p.y < windscreen.x + 0.12 && body_normal.y > 0.4) base = bonnet.rgb;
    if (p.y < band.w) base = band.rgb;
    if (front_bumper.w > 0.5 && p.z > 0.4 && p.y < 0.36) base = front_bumper.rgb;
    if (rear_bumper.w > 0.5 && p.z < -0.4 && p.y < 0.38) base = rear_bumper.rgb;
    return base;
}

// Fills in what the vehicle's surface is at this fragment.
void shade_vehicle(int slot, inout vec3 base, inout float rough, inout float metal, inout float coat, inout vec3 glow) {
    vec3 p = body_position;
    if (surface.w > 0.5) base = linear(texture(mesh_texture, uv).rgb);
    if (slot == SLOT_PAINT) {
        base = painted();
        rough = mix(0.5, 0.38, metallic);
        metal = metallic;
        coat = 2.0;
        vec3 towards = eye - world_position;
        float facing = dot(world_normal, towards);
        base *= 1.0 + metallic * (1.5 * facing * facing / dot(towards, towards) - 0.1);
    } else if (slot == SLOT_PANEL) {
        base = surface.w > 0.5 ? base * panel_rgb : panel_rgb;
        rough = 0.6;
        coat = 0.4;
    } else if (slot == SLOT_RIM) {
        shade_rim(base, rough, metal);
    } else if (slot == SLOT_GLASS) {
        base = p.z > -0.04 ? glass_rgb : rear_glass_rgb;
        rough = 0.05;
        coat = 1.6;
        float strip = windscreen.y - visor.w * (windscreen.y - windscreen.x);
        if (visor.w > 0.0 && p.y > strip && body_normal.z > 0.2) {
            base = visor.rgb;
            coat = 0.5;
        }
    } else if (slot == SLOT_LAMP) {
        vec3 tint = p.z > 0.0 ? front_lamp : rear_lamp;
        base *= tint;
        coat = 0.3;
        glow = base * 0.25 * (sky_rgb + sun_rgb) + lamps_on * (p.z > 0.0 ? 5.0 : 1.6) * base;
    }
    if (slot == SLOT_HELMET) {
        base = roof.rgb;
        coat = 0.8;
    }
    if (has_decals && slot != SLOT_RIM && slot != SLOT_HELMET) {
        vec4 decal = decal_at(slot);
        base = mix(base, linear(decal.rgb), decal.a);
        if (slot == SLOT_GLASS) coat *= 1.0 - 0.7 * decal.a;
    }
    if (dirt > 0.0) {
        vec2 at = vec2(p.z * 9.0 + dirt_seed * 7.0, p.y * 5.0 + p.x * 4.0);
        float splash = 0.35 + 0.7 * value_noise(at) + 0.35 * value_noise(at * 3.1);
        float cover = clamp(smoothstep(0.65, 0.0, p.y) * dirt * splash, 0.0, 0.9);
        if (slot == SLOT_GLASS || slot == SLOT_LAMP) cover *= 0.3;
        base = mix(base, vec3(0.17, 0.14, 0.10), cover);
        coat *= 1.0 - cover;
        rough = mix(rough, 0.95, cover);
    }
}
