// Cards of leaves are full of holes; the picture, the mask and the shadow agree on where.
bool is_hole(vec2 at, float own) {
    vec2 off = at - 0.5;
    vec2 cell = floor(at * 7.0 + own * 17.0);
    vec2 within = fract(at * 7.0 + own * 17.0) - 0.5 - 0.5 * (vec2(hash(cell), hash(cell + 5.0)) - 0.5);
    bool leaf = dot(within, within) < 0.05 + 0.16 * hash(cell + 9.0);
    return !leaf || dot(off, off) > 0.25;
}
