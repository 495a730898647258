void kernel(const int8_t *x, int32_t *ring, int8_t *y)
{
    int32_t acc[2];
    for (int32_t i = 2; i < 16; ++i) {
        const int32_t four = edgeq_load_int32(x, i * 4 + 1);
        ring[i] = edgeq_odd_bytes(four);
    }
    edgeq_store_int16(ring, 2 * 3, (int16_t)x[5]);
    edgeq_clobber(ring);
    for (int32_t i = 0; i < 4; ++i) {
        int32_t *at = &ring[i * 2];
        edgeq_hide(at);
        const int32_t first = at[1];
        const int32_t second = at[2];
        edgeq_pair(first, second);
        acc[0] = edgeq_smlad(first, second, -5);
        edgeq_fake_use(acc[0]);
        at[0] = 0;
        acc[1] = (int32_t)((uint32_t)(int32_t)((uint32_t)acc[0] - (uint32_t)i) << 4);
        y[i] = (int8_t)edgeq_saturate(edgeq_multiply_rounded(acc[1], 77), 8);
    }
}
