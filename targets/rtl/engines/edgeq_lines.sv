// The last rows of an image in a ring of memory, and a window that sweeps over them while the next rows come in.
module edgeq_lines #(
    parameter BITS = 8,        // of an element
    parameter LANES = 1,       // elements of a word
    parameter OUTSIDE = 0,     // what an element outside the image counts as
    parameter HEIGHT = 1,      // all others: see edgeq_sweep
    parameter WIDTH = 1,
    parameter WORDS = 1,
    parameter OUT_HEIGHT = 1,
    parameter OUT_WIDTH = 1,
    parameter FOLDS = 1,
    parameter KERNEL_Y = 1,
    parameter KERNEL_X = 1,
    parameter STRIDE_Y = 1,
    parameter STRIDE_X = 1,
    parameter DILATION_Y = 1,
    parameter DILATION_X = 1,
    parameter TOP = 0,
    parameter LEFT = 0,
    parameter GROUP_WORDS = 1,
    parameter GROUP_FOLDS = 1,
    parameter RING = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [LANES*BITS-1:0] in_data,
    input logic enable,
    output logic out_valid,
    output logic out_first,
    output logic out_last,
    output logic [LANES*BITS-1:0] out_data
);
    localparam ROW = WIDTH * WORDS;
    localparam SIZE = RING * ROW;
    localparam ADDRESS = $clog2(SIZE + 1);

    logic [ADDRESS-1:0] put_address, address;
    logic [$clog2(ROW+1)-1:0] put_column;
    logic [$clog2(RING+1)-1:0] held, need, drop;
    logic [LANES*BITS-1:0] word;
    logic put, row_put, step, in_image, first, last, row_start, row_end, was_in_image;

    assign in_ready = held != RING;
    assign put = in_valid && in_ready;
    assign row_put = put && put_column == ROW - 1;
    assign step = enable && (!row_start || held >= need);
    assign out_data = was_in_image ? word : {LANES{OUTSIDE[BITS-1:0]}};

    edgeq_sweep #(
        .HEIGHT(HEIGHT), .WIDTH(WIDTH), .WORDS(WORDS), .OUT_HEIGHT(OUT_HEIGHT), .OUT_WIDTH(OUT_WIDTH), .FOLDS(FOLDS),
        .KERNEL_Y(KERNEL_Y), .KERNEL_X(KERNEL_X), .STRIDE_Y(STRIDE_Y), .STRIDE_X(STRIDE_X),
        .DILATION_Y(DILATION_Y), .DILATION_X(DILATION_X), .TOP(TOP), .LEFT(LEFT),
        .GROUP_WORDS(GROUP_WORDS), .GROUP_FOLDS(GROUP_FOLDS), .RING(RING), .ADDRESS(ADDRESS)
    ) sweep (.clk, .rst, .step, .address, .in_image, .first, .last, .row_start, .need, .row_end, .drop);

    always_ff @(posedge clk) begin
        if (rst) begin
            put_address <= 0;
            put_column <= 0;
            held <= 0;
            out_valid <= 0;
        end else begin
            if (put) put_address <= put_address == SIZE - 1 ? 0 : put_address + 1;
            if (put) put_column <= row_put ? 0 : put_column + 1;
            held <= held + row_put - (step && row_end ? drop : 0);
            if (enable) out_valid <= step;
        end
        if (enable) begin
            out_first <= first;
            out_last <= last;
            was_in_image <= in_image;
        end
    end

    generate
        if (LANES * BITS * SIZE < 1024) begin : in_logic
            (* ram_style = "logic" *) logic [LANES*BITS-1:0] memory[0:SIZE-1];
            always_ff @(posedge clk) begin
                if (put) memory[put_address] <= in_data;
                if (enable) word <= memory[address];
            end
        end else begin : in_block
            (* ram_style = "block" *) logic [LANES*BITS-1:0] memory[0:SIZE-1];
            always_ff @(posedge clk) begin
                if (put) memory[put_address] <= in_data;
                if (enable) word <= memory[address];
            end
        end
    endgenerate
endmodule
