// A table read in order, again and again: `data` is the present entry, `next` moves on.
module edgeq_rom #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter FILE = ""
) (
    input logic clk,
    input logic rst,
    input logic next,
    output logic [WIDTH-1:0] data
);
    localparam ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;

    logic [ADDRESS-1:0] index, chosen;

    // The entry is read one cycle ahead, so that it is there in every cycle.
    assign chosen = rst ? 0 : !next ? index : index == DEPTH - 1 ? 0 : index + 1;
    always_ff @(posedge clk) index <= chosen;

    generate
        if (WIDTH * DEPTH < 1024) begin : in_logic
            (* rom_style = "logic" *) logic [WIDTH-1:0] memory[0:DEPTH-1];
            initial $readmemh(FILE, memory);
            always_ff @(posedge clk) data <= memory[chosen];
        end else begin : in_block
            (* rom_style = "block" *) logic [WIDTH-1:0] memory[0:DEPTH-1];
            initial $readmemh(FILE, memory);
            always_ff @(posedge clk) data <= memory[chosen];
        end
    endgenerate
endmodule
