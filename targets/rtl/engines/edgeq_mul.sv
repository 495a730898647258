// (a - A_ZERO) * (b - B_ZERO): docs/NUMERICS.md of edgeq, "Mul", before it is requantized.
module edgeq_mul #(
    parameter BITS = 8,
    parameter ACC_BITS = 32,
    parameter A_ZERO = 0,
    parameter B_ZERO = 0
) (
    input logic clk,
    input logic rst,
    input logic a_valid,
    output logic a_ready,
    input logic signed [BITS-1:0] a_data,
    input logic b_valid,
    output logic b_ready,
    input logic signed [BITS-1:0] b_data,
    output logic out_valid,
    input logic out_ready,
    output logic signed [ACC_BITS-1:0] out_data
);
    logic enable, take, loaded;
    logic signed [BITS:0] a, b;

    assign enable = !out_valid || out_ready;
    assign take = a_valid && b_valid && enable;
    assign a_ready = take;
    assign b_ready = take;

    always_ff @(posedge clk) begin
        if (rst) {out_valid, loaded} <= 0;
        else if (enable) {out_valid, loaded} <= {loaded, take};
        if (enable) begin
            a <= a_data - A_ZERO;
            b <= b_data - B_ZERO;
            out_data <= a * b;
        end
    end
endmodule
