// Sums of products: OUTPUTS of them at once, INPUTS products of each in a cycle.
module edgeq_mac #(
    parameter BITS = 8,          // of an element
    parameter WEIGHT_BITS = 8,
    parameter ACC_BITS = 32,
    parameter OUTPUTS = 1,
    parameter INPUTS = 1,
    parameter DEPTHWISE = 0,     // each output has an input of its own
    parameter WORDS = 1,         // of the weights
    parameter FOLDS = 1,         // of the output channels
    parameter WEIGHTS = "",
    parameter BIAS = "",
    parameter LANES = DEPTHWISE ? OUTPUTS : INPUTS
) (
    input logic clk,
    input logic rst,
    input logic enable,
    input logic in_valid,
    input logic in_first,
    input logic in_last,
    input logic [LANES*BITS-1:0] in_data,
    output logic out_valid,
    output logic [OUTPUTS*ACC_BITS-1:0] out_data
);
    localparam PRODUCT = BITS + WEIGHT_BITS;
    localparam SUM = PRODUCT + $clog2(INPUTS);
    localparam DELAY = 1 + $clog2(INPUTS); // multiplier and tree

    logic [OUTPUTS*INPUTS*WEIGHT_BITS-1:0] weights;
    logic [OUTPUTS*32-1:0] bias;
    logic [OUTPUTS*INPUTS*PRODUCT-1:0] products;
    logic [DELAY-1:0] valid, first, last;
    logic summing, opening;
    genvar o, i;

    edgeq_rom #(.WIDTH(OUTPUTS * INPUTS * WEIGHT_BITS), .DEPTH(WORDS), .FILE(WEIGHTS)) weight_rom (
        .clk, .rst, .next(enable && in_valid), .data(weights)
    );
    edgeq_rom #(.WIDTH(OUTPUTS * 32), .DEPTH(FOLDS), .FILE(BIAS)) bias_rom (
        .clk, .rst, .next(enable && summing && opening), .data(bias)
    );

    assign summing = valid[DELAY-1];
    assign opening = first[DELAY-1];
    always_ff @(posedge clk) begin
        if (rst) begin
            valid <= 0;
            out_valid <= 0;
        end else if (enable) begin
            valid <= {valid, in_valid};
            out_valid <= summing && last[DELAY-1];
        end
        if (enable) begin
            first <= {first, in_first};
            last <= {last, in_last};
        end
    end

    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : output_channel
            for (i = 0; i < INPUTS; i = i + 1) begin : input_channel
                logic signed [BITS-1:0] x;
                logic signed [WEIGHT_BITS-1:0] weight;
                logic signed [PRODUCT-1:0] product;
                assign x = in_data[(DEPTHWISE?o:i)*BITS+:BITS];
                assign weight = weights[(o*INPUTS+i)*WEIGHT_BITS+:WEIGHT_BITS];
                always_ff @(posedge clk) if (enable) product <= x * weight;
                assign products[(o*INPUTS+i)*PRODUCT+:PRODUCT] = product;
            end
            logic signed [SUM-1:0] sum;
            logic signed [31:0] start;
            logic signed [ACC_BITS-1:0] acc, present;
            edgeq_tree #(.COUNT(INPUTS), .WIDTH(PRODUCT)) tree (
                .clk, .enable, .terms(products[o*INPUTS*PRODUCT+:INPUTS*PRODUCT]), .sum
            );
            assign start = bias[o*32+:32];
            assign present = opening ? start : acc;
            always_ff @(posedge clk) if (enable && summing) acc <= present + sum;
            assign out_data[o*ACC_BITS+:ACC_BITS] = acc;
        end
    endgenerate
endmodule
