// Sums of x - ZERO_POINT, or maxima of x: OUTPUTS channels at once.
module edgeq_reduce #(
    parameter BITS = 8,
    parameter ACC_BITS = 32,
    parameter OUTPUTS = 1,
    parameter MAXIMUM = 0,
    parameter ZERO_POINT = 0
) (
    input logic clk,
    input logic rst,
    input logic enable,
    input logic in_valid,
    input logic in_first,
    input logic in_last,
    input logic [OUTPUTS*BITS-1:0] in_data,
    output logic out_valid,
    output logic [OUTPUTS*ACC_BITS-1:0] out_data
);
    genvar o;

    always_ff @(posedge clk) begin
        if (rst) out_valid <= 0;
        else if (enable) out_valid <= in_valid && in_last;
    end

    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : channel
            logic signed [BITS-1:0] x;
            logic signed [ACC_BITS-1:0] acc, value, joined;
            assign x = in_data[o*BITS+:BITS];
            assign value = MAXIMUM ? x : x - ZERO_POINT;
            assign joined = MAXIMUM ? (value > acc ? value : acc) : acc + value;
            always_ff @(posedge clk) if (enable && in_valid) acc <= in_first ? value : joined;
            assign out_data[o*ACC_BITS+:ACC_BITS] = acc;
        end
    endgenerate
endmodule
