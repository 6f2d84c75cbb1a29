// Headlamps on the road ahead of a vehicle: light times what the cached ground reflects.
in vec3 body_position;
in vec4 sun_position;
out vec4 pixel;

uniform sampler2D ground;
uniform vec2 picture_px;
uniform vec2 lamp_at;      // half the distance between the lamps, and how far ahead of the middle they are
uniform float beam;        // strength

//include film

void main() {
    float ahead = body_position.z - lamp_at.y;
    if (ahead < 0.1) discard;
    float sum = 0.0;
    for (int side = -1; side <= 1; side += 2) {
        float angle = (body_position.x - float(side) * lamp_at.x) / (ahead + 0.6);
        sum += exp(-angle * angle * 9.0);
    }
    float far = smoothstep(0.2, 3.2, ahead) / (1.0 + ahead * ahead / 60.0) * smoothstep(26.0, 14.0, ahead);
    vec3 albedo = texture(ground, gl_FragCoord.xy / picture_px).rgb;
    pixel = vec4(developed(albedo * vec3(1.0, 0.93, 0.8) * beam * sum * far), 1.0);
}
