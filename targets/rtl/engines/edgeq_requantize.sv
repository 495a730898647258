// Accumulators to outputs, one per cycle: docs/NUMERICS.md of edgeq, "Requantize".
//
// The 32 x 32 bit product is four of 17 x 17 bits, one multiplier of the device each, with registers around them.
module edgeq_requantize #(
    parameter ACC_BITS = 32,
    parameter BITS = 8,           // of an output
    parameter LEFT = 0,           // exact shift of the accumulator
    parameter RIGHT = 0,          // rounding shift of a wide accumulator
    parameter ZERO_POINT = 0,
    parameter LOW = -128,
    parameter HIGH = 127,
    parameter ENTRIES = 1,        // multipliers, ...
    parameter REPEAT = 1,         // ... each for so many outputs in a row
    parameter SIGNED = 0,         // an entry holds two: that of negative accumulators in its upper half
    parameter MULTIPLIERS = ""
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic signed [ACC_BITS-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic signed [BITS-1:0] out_data
);
    localparam ENTRY = SIGNED ? 64 : 32;

    logic enable;
    logic [4:0] valid;
    logic [$clog2(REPEAT+1)-1:0] uses;
    logic [ENTRY-1:0] entry;
    logic signed [ACC_BITS-1:0] rounded;
    logic signed [31:0] a, m;
    logic signed [16:0] a_high, a_low, m_high, m_low;
    logic signed [33:0] high, cross_a, cross_m, low;
    logic signed [34:0] middle;
    logic signed [63:0] outer, product;
    logic signed [32:0] scaled, placed;

    assign in_ready = enable;
    assign out_valid = valid[4];
    assign enable = !out_valid || out_ready;

    edgeq_rom #(.WIDTH(ENTRY), .DEPTH(ENTRIES), .FILE(MULTIPLIERS)) rom (
        .clk, .rst, .next(enable && in_valid && uses == REPEAT - 1), .data(entry)
    );

    generate
        if (RIGHT > 0) begin : right
            assign rounded = (in_data + (64'sd1 <<< (RIGHT - 1))) >>> RIGHT;
        end else begin : left
            assign rounded = in_data <<< LEFT;
        end
    endgenerate
    assign m = SIGNED && rounded < 0 ? entry[ENTRY-1-:32] : entry[31:0];
    assign product = outer + (middle <<< 16);
    assign placed = scaled + ZERO_POINT;

    always_ff @(posedge clk) begin
        if (rst) begin
            valid <= 0;
            uses <= 0;
        end else if (enable) begin
            valid <= {valid, in_valid};
            if (in_valid) uses <= uses == REPEAT - 1 ? 0 : uses + 1;
        end
        if (enable) begin
            a <= rounded[31:0];
            m_high <= m >>> 16;
            m_low <= {1'b0, m[15:0]};
            high <= a_high * m_high;
            cross_a <= a_high * m_low;
            cross_m <= a_low * m_high;
            low <= a_low * m_low;
            outer <= (high <<< 32) + low;
            middle <= cross_a + cross_m;
            scaled <= (product + (64'sd1 <<< 30)) >>> 31;
            out_data <= placed < LOW ? LOW : placed > HIGH ? HIGH : placed;
        end
    end
    assign a_high = a >>> 16;
    assign a_low = {1'b0, a[15:0]};
endmodule
