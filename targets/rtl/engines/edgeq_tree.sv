// The sum of COUNT numbers: a tree of adders, each with a register.
module edgeq_tree #(
    parameter COUNT = 1,
    parameter WIDTH = 16,
    parameter SUM = WIDTH + $clog2(COUNT)
) (
    input logic clk,
    input logic enable,
    input logic [COUNT*WIDTH-1:0] terms,
    output logic signed [SUM-1:0] sum
);
    localparam LEAVES = 1 << $clog2(COUNT);

    // Node n has the children 2n and 2n + 1; node 1 is the root.
    logic [2*LEAVES*SUM-1:0] nodes;
    genvar n;

    assign sum = nodes[SUM+:SUM];
    assign nodes[0+:SUM] = 0;
    generate
        for (n = 1; n < 2 * LEAVES; n = n + 1) begin : node
            if (n < LEAVES) begin : inner
                logic signed [SUM-1:0] value;
                always_ff @(posedge clk) if (enable) value <= nodes[2*n*SUM+:SUM] + nodes[(2*n+1)*SUM+:SUM];
                assign nodes[n*SUM+:SUM] = value;
            end else if (n - LEAVES < COUNT) begin : leaf
                logic signed [WIDTH-1:0] term;
                logic signed [SUM-1:0] value;
                assign term = terms[(n-LEAVES)*WIDTH+:WIDTH];
                assign value = term;
                assign nodes[n*SUM+:SUM] = value;
            end else begin : none
                assign nodes[n*SUM+:SUM] = 0;
            end
        end
    endgenerate
endmodule
