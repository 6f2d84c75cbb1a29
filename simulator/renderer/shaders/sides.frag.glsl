// Which triangle a pixel shows and from which side, counted from 1: odd its back, even its front.
out uint pixel;

void main() {
    pixel = 2u * uint(gl_PrimitiveID) + (gl_FrontFacing ? 2u : 1u);
}
