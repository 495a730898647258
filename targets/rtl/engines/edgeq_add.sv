// (a * M1 + b * M2 + C) >> SHIFT within LOW..HIGH: docs/NUMERICS.md of edgeq, "Add, Sub".
module edgeq_add #(
    parameter BITS = 8,
    parameter OUT_BITS = 8,
    parameter M1 = 1,
    parameter M2 = 1,
    parameter C = 0,
    parameter SHIFT = 0,
    parameter LOW = -128,
    parameter HIGH = 127
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
    output logic signed [OUT_BITS-1:0] out_data
);
    logic enable, take;
    logic [2:0] valid;
    logic signed [31:0] first, second, sum;

    assign out_valid = valid[2];
    assign enable = !out_valid || out_ready;
    assign take = a_valid && b_valid && enable;
    assign a_ready = take;
    assign b_ready = take;

    always_ff @(posedge clk) begin
        if (rst) valid <= 0;
        else if (enable) valid <= {valid, take};
        if (enable) begin
            first <= a_data * M1;
            second <= b_data * M2;
            sum <= (first + second + C) >>> SHIFT;
            out_data <= sum < LOW ? LOW : sum > HIGH ? HIGH : sum;
        end
    end
endmodule
