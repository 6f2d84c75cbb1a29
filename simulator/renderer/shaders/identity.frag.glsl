// Which vehicle a pixel shows; 0 is none.
uniform uint identity;
out uint pixel;

void main() {
    pixel = identity;
}
