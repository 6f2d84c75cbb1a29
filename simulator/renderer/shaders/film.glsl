// From linear light to what the film keeps: a filmic curve and gamma.
vec3 developed(vec3 light) {
    light *= 1.15;
    light = (light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14);
    return pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2));
}
