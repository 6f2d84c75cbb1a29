// Fronts of houses. uv: metres along the wall and above the pavement; surface.x: a number that makes every house its own.

// A window: reveal, frame, curtains, a dark room or a lit one.
void window(vec2 at, vec2 low, vec2 high, vec2 cell, float own, inout vec3 base, inout float rough, inout float coat,
            inout vec3 glow) {
    if (any(lessThan(at, low - vec2(0.025, 0.035))) || any(greaterThan(at, high + 0.025))) return;
    if (any(lessThan(at, low)) || any(greaterThan(at, high))) {
        base = at.y < low.y ? vec3(0.36, 0.35, 0.33) : mix(base, vec3(0.30), 0.6);
        return;
    }
    vec2 p = (at - low) / (high - low);
    float room = hash(cell + own * 31.0);
    vec3 frame = hash(vec2(own, 4.0)) < 0.6 ? vec3(0.42, 0.41, 0.39) : vec3(0.07, 0.065, 0.06);
    bool bar = p.x < 0.06 || p.x > 0.94 || p.y < 0.05 || p.y > 0.95 || (abs(p.x - 0.5) < 0.028) ||
               (hash(vec2(own, 8.0)) < 0.4 && abs(p.y - 0.68) < 0.025);
    if (bar) {
        base = frame * (p.y > 0.95 ? 0.5 : 1.0);
        return;
    }
    float curtain = step(0.45, room) * (1.0 - smoothstep(0.16, 0.2, min(p.x, 1.0 - p.x)));
    float blind = step(0.86 - 0.6 * fract(room * 7.0), p.y) * step(0.66, room);
    float cloth = max(curtain, blind);
    base = mix(vec3(0.018, 0.021, 0.026), vec3(0.26, 0.25, 0.23) * (0.8 + 0.2 * sin(p.x * 60.0)), cloth);
    base *= 1.0 - 0.5 * smoothstep(0.82, 1.0, p.y);
    rough = 0.1;
    coat = 0.85 * (1.0 - cloth);
    if (hash(cell + 2.7 * own) < 0.3) {
        vec3 tint = mix(vec3(1.0, 0.62, 0.3), vec3(0.8, 0.85, 1.0), step(0.75, hash(cell + 9.1)));
        glow = windows_lit * tint * (0.22 + 0.35 * room) * (0.5 + 0.5 * cloth) * (0.6 + 0.4 * p.y);
    }
}

vec3 trade_colour(float own) {
    float pick = hash(vec2(own, 21.0));
    vec3 tint = pick < 0.2 ? vec3(0.02, 0.05, 0.03) : pick < 0.4 ? vec3(0.02, 0.03, 0.07) : pick < 0.55 ? vec3(0.10, 0.015, 0.015)
              : pick < 0.7 ? vec3(0.32, 0.28, 0.2) : pick < 0.85 ? vec3(0.03) : vec3(0.22, 0.11, 0.03);
    return tint * (0.7 + 0.6 * hash(vec2(own, 22.0)));
}

// Strokes that read as lettering from across a street.
float lettering(vec2 at, float own) {
    vec2 letter = floor(vec2(at.x / 0.34, 0.0));
    vec2 stroke = floor(vec2(fract(at.x / 0.34) * 4.0, at.y * 5.0));
    if (stroke.x > 2.5 || at.y < 0.0 || at.y > 1.0 || hash(letter + own) < 0.14) return 0.0;
    bool stem = stroke.x == 0.0 && hash(letter + 3.0 * own) < 0.8;
    return stem || hash(stroke + letter * 7.0 + own) < 0.52 ? 1.0 : 0.0;
}

void shop(float own, float top, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    float width = 4.2 + 2.6 * fract(own * 13.7);
    float unit = floor(uv.x / width);
    float trade = hash(vec2(unit, own * 17.0));
    float across = fract(uv.x / width) * width;
    vec3 frame = trade_colour(trade);
    if (uv.y > top - 0.85 && uv.y < top - 0.12) {
        base = frame * (across < 0.15 ? 0.4 : 1.0);
        float inset = min(across, width - across);
        vec2 at = vec2(across - 0.9, (uv.y - top + 0.66) / 0.36);
        if (inset > 0.9 && across < 0.9 + (width - 1.8) * (0.5 + 0.5 * trade)) {
            float ink = lettering(at, trade);
            vec3 bright = dot(frame, vec3(1.0)) > 0.5 ? vec3(0.03) : vec3(0.6, 0.57, 0.48);
            base = mix(base, bright, ink);
            glow = windows_lit * ink * bright * step(0.45, trade) * 1.1;
        }
        return;
    }
    if (uv.y > top - 0.12) { base = vec3(0.3) * 0.8; return; }
    float door_at = width * (0.25 + 0.5 * fract(trade * 5.0));
    bool door = abs(across - door_at) < 0.55;
    float sill = door ? 0.12 : 0.55;
    if (across < 0.25 || across > width - 0.25 || uv.y < sill || (!door && abs(fract((across - 0.25) / 1.35) - 0.02) < 0.03)
        || abs(abs(across - door_at) - 0.58) < 0.06 || abs(uv.y - top + 1.2) < 0.04) {
        base = frame * 0.9;
        coat = 0.2;
        return;
    }
    float closed = step(0.8, hash(vec2(unit + 5.0, own)));
    float goods = hash(floor(vec2(across * 3.0, uv.y * 2.4)) + unit);
    vec3 inside = vec3(0.02) + 0.09 * mix(vec3(goods), trade_colour(goods) * 3.0, 0.5) * smoothstep(2.3, 0.6, uv.y);
    base = mix(inside, vec3(0.2, 0.2, 0.21) * (0.7 + 0.3 * step(0.35, fract(uv.y * 7.0))), closed);
    rough = mix(0.1, 0.7, closed);
    coat = 0.85 * (1.0 - closed);
    vec3 lamp = mix(vec3(1.0, 0.78, 0.5), vec3(0.85, 0.92, 1.0), step(0.6, trade));
    glow = windows_lit * (1.0 - closed) * lamp * (0.18 + 0.55 * goods) * smoothstep(0.3, 2.4, uv.y);
}

void brickwork(inout vec3 base) {
    vec2 course = vec2(uv.x * 4.3 + 0.5 * floor(uv.y * 13.0), uv.y * 13.0);
    float joint = step(0.1, fract(course.x)) * step(0.16, fract(course.y));
    base *= mix(1.12, 0.78 + 0.36 * hash(floor(course)), joint);
}

// What rain, soot and splashes have left.
void weather(float own, inout vec3 base) {
    base *= 0.84 + 0.26 * cloud_noise(uv * 0.35 + own * 40.0) + 0.08 * cloud_noise(uv * vec2(5.0, 0.8));
    base *= mix(0.72, 1.0, smoothstep(0.0, 0.7, uv.y + 0.3 * value_noise(uv * 3.0) - 0.2));
}

void flats(float own, float top, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    vec2 bay = vec2(2.5 + 1.5 * fract(own * 7.13), 2.85 + 0.5 * fract(own * 3.71));
    if (fract(own * 5.3) > 0.35) brickwork(base);
    weather(own, base);
    vec2 cell = floor((uv - vec2(0.0, top)) / bay);
    vec2 at = fract((uv - vec2(0.0, top)) / bay);
    if (at.y < 0.05) base = mix(base, vec3(0.34, 0.33, 0.31), 0.55);
    bool wide = hash(vec2(cell.x, own)) < 0.35;
    float half_width = wide ? 0.34 : 0.2 + 0.06 * fract(own * 17.0);
    if (cell.y < 0.0) return;
    window(at, vec2(0.5 - half_width, wide ? 0.1 : 0.28), vec2(0.5 + half_width, 0.82), cell, own, base, rough, coat, glow);
}

void town_house(float own, float top, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    weather(own, base);
    vec2 bay = vec2(1.9 + 0.9 * fract(own * 9.1), 2.75);
    if (uv.y < 0.55) { base = vec3(0.17, 0.165, 0.16) * (0.8 + 0.3 * cloud_noise(uv * 2.0)); return; }
    vec2 cell = floor((uv - vec2(0.0, top + 0.35)) / bay);
    vec2 at = fract((uv - vec2(0.0, top + 0.35)) / bay);
    if (cell.y < 0.0) return;
    float doors = floor(3.0 + 3.0 * fract(own * 23.0));
    if (top == 0.0 && cell.y == 0.0 && mod(cell.x, doors) == 1.0) {
        if (abs(at.x - 0.5) < 0.27 && at.y < 0.8) {
            vec3 wood = trade_colour(own + cell.x);
            bool panel = abs(fract(at.x * 5.0) - 0.5) < 0.3 && abs(fract(at.y * 4.0) - 0.5) < 0.36;
            base = at.y > 0.68 ? vec3(0.03) : wood * (panel ? 0.8 : 1.1);
            coat = 0.3;
            glow = at.y > 0.68 ? windows_lit * vec3(1.0, 0.7, 0.4) * 0.4 : vec3(0.0);
            return;
        }
    }
    bool shutters = fract(own * 29.0) < 0.4;
    if (shutters && at.y > 0.2 && at.y < 0.76 && abs(abs(at.x - 0.5) - 0.31) < 0.085) {
        base = trade_colour(own + 1.0) * (0.7 + 0.5 * step(0.4, fract(at.y * 34.0)));
        return;
    }
    window(at, vec2(0.28, 0.2), vec2(0.72, 0.76), cell, own, base, rough, coat, glow);
}

void office(float own, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    vec2 pane = vec2(1.35, 3.4);
    vec2 cell = floor(uv / pane);
    vec2 at = fract(uv / pane);
    vec3 metal = vec3(0.12, 0.125, 0.13) + 0.2 * step(0.6, fract(own * 19.0));
    if (at.x < 0.045 || at.y < 0.02 || abs(at.y - 0.27) < 0.01) { base = metal; coat = 0.3; return; }
    if (at.y < 0.27) { base = mix(base * 0.35, vec3(0.06, 0.07, 0.08), 0.5); coat = 0.6; rough = 0.2; return; }
    float blind = step(1.0 - 0.6 * hash(vec2(floor(cell.x / 3.0), cell.y) + own), at.y) * step(0.6, hash(cell + own));
    base = mix(vec3(0.016, 0.024, 0.028), vec3(0.25), blind);
    rough = 0.06;
    coat = 1.0 - 0.6 * blind;
    if (hash(vec2(floor(cell.x / 4.0), cell.y + own * 50.0)) < 0.3)
        glow = windows_lit * vec3(0.75, 0.85, 0.9) * (0.16 + 0.5 * smoothstep(0.6, 1.0, at.y) * step(0.3, fract(at.x * 2.0)));
}

void industry(float own, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    weather(own, base);
    if (uv.y < 1.1) { brickwork(base); base *= 0.7; return; }
    base *= 0.86 + 0.2 * sin(uv.x * 22.0);
    float gate = fract(uv.x / 7.5) * 7.5;
    if (abs(gate - 3.75) < 1.9 && uv.y < 3.9) {
        base = mix(vec3(0.26, 0.27, 0.28), trade_colour(own), 0.5) * (0.75 + 0.3 * step(0.25, fract(uv.y * 3.2)));
        if (abs(abs(gate - 3.75) - 1.85) < 0.06) base = vec3(0.35, 0.28, 0.03);
    } else if (uv.y > 4.6 && uv.y < 5.6) window(fract(vec2(uv.x / 1.6, uv.y - 4.6)), vec2(0.06), vec2(0.94), floor(uv), own,
                                               base, rough, coat, glow);
}

void shade_facade(int slot, inout vec3 base, inout float rough, inout float coat, inout vec3 glow) {
    float own = surface.x;
    float top = surface.y * 10.0;  // height of the shops below, 0: none
    rough = 0.9;
    if (uv.y < top) shop(own, top, base, rough, coat, glow);
    else if (slot == SLOT_FACADE) flats(own, top, base, rough, coat, glow);
    else if (slot == SLOT_TOWNHOUSE) town_house(own, top, base, rough, coat, glow);
    else if (slot == SLOT_OFFICE) office(own, base, rough, coat, glow);
    else industry(own, base, rough, coat, glow);
}
