// The places that a sliding window reads, one word per step: in the order of output row, column, fold of channels,
// kernel row, kernel column, fold of inputs. Every address is a running sum: no multipliers.
module edgeq_sweep #(
    parameter HEIGHT = 1,      // of the input image
    parameter WIDTH = 1,
    parameter WORDS = 1,       // of a pixel
    parameter OUT_HEIGHT = 1,
    parameter OUT_WIDTH = 1,
    parameter FOLDS = 1,       // of the output channels
    parameter KERNEL_Y = 1,
    parameter KERNEL_X = 1,
    parameter STRIDE_Y = 1,
    parameter STRIDE_X = 1,
    parameter DILATION_Y = 1,
    parameter DILATION_X = 1,
    parameter TOP = 0,         // padding
    parameter LEFT = 0,
    parameter GROUP_WORDS = 1, // of a pixel that a fold reads, ...
    parameter GROUP_FOLDS = 1, // ... and the folds that read the same ones
    parameter RING = 2,        // rows in memory
    parameter ADDRESS = 1      // bits
) (
    input logic clk,
    input logic rst,
    input logic step,
    output logic [ADDRESS-1:0] address,
    output logic in_image,                    // the image, not its padding
    output logic first,                     // step of a sum
    output logic last,
    output logic row_start,                 // the next step begins an output row, ...
    output logic [$clog2(RING+1)-1:0] need, // ... which needs so many rows in memory
    output logic row_end,                   // this step ends it, ...
    output logic [$clog2(RING+1)-1:0] drop  // ... which frees so many
);
    localparam ROW = WIDTH * WORDS;
    localparam SIZE = RING * ROW;
    localparam SPAN = (KERNEL_Y - 1) * DILATION_Y + 1;
    localparam Y_BITS = $clog2(HEIGHT + TOP + SPAN + STRIDE_Y + OUT_HEIGHT * STRIDE_Y) + 1;
    localparam X_BITS = $clog2(WIDTH + LEFT + KERNEL_X * DILATION_X + OUT_WIDTH * STRIDE_X) + 1;
    localparam OFFSET = X_BITS + $clog2(WORDS + 1);
    localparam START_ROW = (RING - TOP % RING) % RING * ROW;
    localparam ROW_STEP = STRIDE_Y % RING * ROW;
    localparam TAP_STEP = DILATION_Y % RING * ROW;
    // From the window of an image's last output row to that of the next image's first; RING * OUT_HEIGHT * STRIDE_Y
    // keeps the remainder from being one of a negative number.
    localparam IMAGE_STEP = (RING * OUT_HEIGHT * STRIDE_Y + HEIGHT - (OUT_HEIGHT - 1) * STRIDE_Y) % RING * ROW;

    logic [$clog2(GROUP_WORDS+1)-1:0] input_fold;
    logic [$clog2(GROUP_FOLDS+1)-1:0] group_fold;
    logic [$clog2(WORDS+1)-1:0] group;
    logic [$clog2(KERNEL_X+1)-1:0] kernel_x;
    logic [$clog2(KERNEL_Y+1)-1:0] kernel_y;
    logic [$clog2(FOLDS+1)-1:0] fold;
    logic [$clog2(OUT_WIDTH+1)-1:0] out_x;
    logic [$clog2(OUT_HEIGHT+1)-1:0] out_y;
    logic signed [X_BITS-1:0] left_x, tap_x, next_left_x;
    logic signed [OFFSET-1:0] left_offset, tap_offset, next_left_offset;
    logic signed [Y_BITS-1:0] top_y, tap_y, next_top_y, from, until_row, next_from;
    logic [ADDRESS-1:0] top_row, tap_row, next_top_row;
    logic input_end, column_end, group_end, pixel_end, last_row, image_end;

    function automatic logic [ADDRESS-1:0] around(input logic [ADDRESS-1:0] row, input integer rows);
        around = row + rows >= SIZE ? row + rows - SIZE : row + rows;
    endfunction

    function automatic logic signed [Y_BITS-1:0] clip(input logic signed [Y_BITS-1:0] y);
        clip = y < 0 ? 0 : y > HEIGHT ? HEIGHT : y;
    endfunction

    assign input_end = input_fold == GROUP_WORDS - 1;
    assign column_end = input_end && kernel_x == KERNEL_X - 1;
    assign last = column_end && kernel_y == KERNEL_Y - 1;
    assign first = input_fold == 0 && kernel_x == 0 && kernel_y == 0;
    assign group_end = last && group_fold == GROUP_FOLDS - 1;
    assign pixel_end = last && fold == FOLDS - 1;
    assign row_end = pixel_end && out_x == OUT_WIDTH - 1;
    assign last_row = out_y == OUT_HEIGHT - 1;
    assign image_end = row_end && last_row;

    assign address = tap_row + tap_offset + group + input_fold;
    assign in_image = tap_y >= 0 && tap_y < HEIGHT && tap_x >= 0 && tap_x < WIDTH;

    // The last output row waits for what is left of the image and frees it, whether windows meet it or not.
    assign from = clip(top_y);
    assign until_row = last_row ? HEIGHT : clip(top_y + SPAN);
    assign next_from = last_row ? HEIGHT : clip(top_y + STRIDE_Y);
    assign need = until_row - from;
    assign drop = next_from - from;

    always_comb begin
        next_left_x = left_x;
        next_left_offset = left_offset;
        next_top_y = top_y;
        next_top_row = top_row;
        if (row_end) begin
            next_left_x = -LEFT;
            next_left_offset = -LEFT * WORDS;
            next_top_y = last_row ? -TOP : top_y + STRIDE_Y;
            next_top_row = last_row ? around(top_row, IMAGE_STEP) : around(top_row, ROW_STEP);
        end else if (pixel_end) begin
            next_left_x = left_x + STRIDE_X;
            next_left_offset = left_offset + STRIDE_X * WORDS;
        end
    end

    always_ff @(posedge clk) begin
        if (rst) begin
            {input_fold, kernel_x, kernel_y, group_fold, group, fold, out_x, out_y} <= 0;
            row_start <= 1;
            left_x <= -LEFT;
            tap_x <= -LEFT;
            left_offset <= -LEFT * WORDS;
            tap_offset <= -LEFT * WORDS;
            top_y <= -TOP;
            tap_y <= -TOP;
            top_row <= START_ROW;
            tap_row <= START_ROW;
        end else if (step) begin
            row_start <= row_end;
            input_fold <= input_end ? 0 : input_fold + 1;
            if (input_end) begin
                kernel_x <= column_end ? 0 : kernel_x + 1;
                tap_x <= column_end ? next_left_x : tap_x + DILATION_X;
                tap_offset <= column_end ? next_left_offset : tap_offset + DILATION_X * WORDS;
            end
            if (column_end) begin
                kernel_y <= last ? 0 : kernel_y + 1;
                tap_y <= last ? next_top_y : tap_y + DILATION_Y;
                tap_row <= last ? next_top_row : around(tap_row, TAP_STEP);
            end
            if (last) begin
                fold <= pixel_end ? 0 : fold + 1;
                group_fold <= group_end ? 0 : group_fold + 1;
                if (group_end) group <= pixel_end ? 0 : group + GROUP_WORDS;
            end
            if (pixel_end) out_x <= row_end ? 0 : out_x + 1;
            if (row_end) out_y <= image_end ? 0 : out_y + 1;
            left_x <= next_left_x;
            left_offset <= next_left_offset;
            top_y <= next_top_y;
            top_row <= next_top_row;
        end
    end
endmodule
