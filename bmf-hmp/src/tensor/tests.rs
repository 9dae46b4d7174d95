//! Tests of tensors: views against a model that copies.

use proptest::prelude::*;

use super::*;

fn counting(shape: &[usize]) -> Tensor {
    let numbers: Vec<i32> = (0..shape.iter().product::<usize>() as i32).collect();
    Tensor::from_elements(&numbers, shape).unwrap()
}

#[test]
fn views_move_nothing() {
    let tensor = counting(&[2, 3, 4]);
    let views = [
        tensor.reshape(&[6, 4]),
        tensor.slice(1, 1..3),
        tensor.select(0, 1),
        tensor.transpose(0, 2),
        tensor.permute(&[2, 0, 1]),
        tensor.flip(2),
    ];
    for view in views {
        assert!(view.unwrap().buffer().ptr_eq(tensor.buffer()));
    }
}

#[test]
fn contiguity() {
    let tensor = counting(&[2, 3]);
    assert!(tensor.is_contiguous() && tensor.select(0, 1).unwrap().is_contiguous());
    let columns = tensor.transpose(0, 1).unwrap();
    assert!(!columns.is_contiguous());
    assert!(
        columns.slice(1, 0..0).unwrap().is_contiguous(),
        "nothing is contiguous"
    );
    assert!(
        columns.slice(1, 0..1).unwrap().is_contiguous()
            != columns.slice(0, 0..1).unwrap().is_contiguous()
    );
    assert!(
        tensor
            .contiguous()
            .unwrap()
            .buffer()
            .ptr_eq(tensor.buffer())
    );
    let copy = columns.contiguous().unwrap();
    assert_eq!(copy.as_slice::<i32>().unwrap(), [0, 3, 1, 4, 2, 5]);
}

#[test]
fn writing_copies_once_and_only_what_is_seen() {
    let tensor = counting(&[4, 2]);
    let mut row = tensor.select(0, 2).unwrap();
    row.as_mut_slice::<i32>().unwrap()[0] = 40;
    assert_eq!(
        (row.to_vec::<i32>().unwrap(), row.buffer().len()),
        (vec![40, 5], 8)
    );
    assert_eq!(tensor.to_vec::<i32>().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let address = row.buffer().as_ptr();
    row.as_mut_slice::<i32>().unwrap()[1] = 50;
    assert_eq!(row.buffer().as_ptr(), address);
}

#[test]
fn a_number_is_a_tensor() {
    let tensor = Tensor::from_elements(&[2.5_f64], &[]).unwrap();
    assert_eq!(
        (tensor.len(), tensor.get::<f64>(&[]), tensor.is_contiguous()),
        (1, Some(2.5), true)
    );
    let half = Tensor::from_elements(&[half::f16::ONE], &[1, 1]).unwrap();
    assert_eq!(half.select(1, 0).unwrap().get(&[0]), Some(half::f16::ONE));
}

#[test]
fn a_view_of_rows_with_gaps() {
    let buffer = Buffer::from_vec((0..12).collect());
    let tensor = Tensor::from_strided(buffer, ScalarType::U8, &[3, 2], &[4, 1], 1).unwrap();
    assert_eq!(tensor.to_vec::<u8>().unwrap(), [1, 2, 5, 6, 9, 10]);
    assert_eq!(
        tensor
            .flip(0)
            .unwrap()
            .flip(1)
            .unwrap()
            .to_vec::<u8>()
            .unwrap(),
        [10, 9, 6, 5, 2, 1]
    );
}

#[test]
fn what_is_refused() {
    let tensor = counting(&[2, 3]);
    let buffer = || Buffer::zeroed(24);
    let strided = |shape: &[usize], strides: &[isize], offset| {
        Tensor::from_strided(buffer(), ScalarType::F32, shape, strides, offset).map(drop)
    };
    let errors = [
        Tensor::from_buffer(buffer(), ScalarType::F32, &[7]).map(drop),
        strided(&[3, 2], &[2], 0),
        strided(&[3, 2], &[2, 1], 1),
        strided(&[3, 2], &[-2, 1], 3),
        strided(&[2, 2], &[isize::MAX, isize::MIN], 0),
        strided(&[usize::MAX, 2], &[0, 0], 0),
        Tensor::zeros(ScalarType::I64, &[usize::MAX, usize::MAX]).map(drop),
        Tensor::from_elements(&[1_u8, 2], &[3]).map(drop),
        tensor.reshape(&[4]).map(drop),
        tensor.transpose(0, 1).unwrap().reshape(&[6]).map(drop),
        tensor.transpose(0, 1).unwrap().as_slice::<i32>().map(drop),
        tensor.slice(2, 0..1).map(drop),
        tensor.slice(1, 2..4).map(drop),
        tensor.select(0, usize::MAX).map(drop),
        tensor.permute(&[0, 0]).map(drop),
        tensor.as_slice::<u8>().map(drop),
        Tensor::from_buffer(Buffer::zeroed(9).slice(1..), ScalarType::I32, &[2])
            .unwrap()
            .as_slice::<i32>()
            .map(drop),
    ];
    let text = errors
        .map(|error| error.unwrap_err().to_string())
        .join("\n");
    insta::assert_snapshot!(text, @"
    a f32 tensor of shape [7] does not fit into a buffer of 24 bytes
    2 dimensions with 1 strides: give one stride per dimension
    a f32 tensor of shape [3, 2] does not fit into a buffer of 24 bytes
    a f32 tensor of shape [3, 2] does not fit into a buffer of 24 bytes
    a f32 tensor of shape [2, 2] does not fit into a buffer of 24 bytes
    a f32 tensor of shape [18446744073709551615, 2] is too large for this machine
    a i64 tensor of shape [18446744073709551615, 18446744073709551615] is too large for this machine
    shape [3] has another number of elements than [2]
    shape [4] has another number of elements than [2, 3]
    the elements of this view do not follow each other in memory: call contiguous() first
    the elements of this view do not follow each other in memory: call contiguous() first
    axis 2 of a tensor with 2 dimension(s)
    2..4 is not within axis 1, which has 3
    18446744073709551615..18446744073709551615 is not within axis 0, which has 2
    [0, 0] does not name each axis once
    the elements are i32, not u8
    the elements are not aligned for i32: copy them into a new tensor
    ");
}

#[test]
fn shapes_with_a_zero_hold_nothing() {
    let tensor = Tensor::zeros(ScalarType::U8, &[4, 0, 5]).unwrap();
    assert!(tensor.is_empty() && tensor.to_vec::<u8>().unwrap().is_empty());
    assert_eq!(
        tensor.flip(1).unwrap().select(0, 3).unwrap().shape(),
        [0, 5]
    );
    assert!(tensor.as_slice::<u8>().unwrap().is_empty());
    assert_eq!(tensor.reshape(&[0]).unwrap().len(), 0);
    insta::assert_snapshot!(format!("{tensor:?}"), @"Tensor(u8 [4, 0, 5] on cpu)");
}

/// A tensor that copies: every number with its position.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    shape: Vec<usize>,
    numbers: Vec<i32>,
}

impl Model {
    /// Builds the numbers of a view of `shape` by asking where each position comes from.
    fn view(&self, shape: Vec<usize>, source: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let count: usize = shape.iter().product();
        let numbers = (0..count)
            .map(|index| self.at(&source(&position(index, &shape))))
            .collect();
        Self { shape, numbers }
    }

    fn at(&self, position: &[usize]) -> i32 {
        let index = position
            .iter()
            .zip(&self.shape)
            .fold(0, |index, (at, size)| index * size + at);
        self.numbers[index]
    }
}

fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let at = index % size;
            index /= size;
            at
        })
        .collect();
    position.reverse();
    position
}

#[derive(Clone, Debug)]
enum View {
    Slice(usize, usize, usize),
    Select(usize, usize),
    Transpose(usize, usize),
    Flip(usize),
    Flatten,
}

fn any_view() -> impl Strategy<Value = View> {
    let number = || 0..100_usize;
    prop_oneof![
        (number(), number(), number()).prop_map(|(axis, a, b)| View::Slice(axis, a, b)),
        (number(), number()).prop_map(|(axis, at)| View::Select(axis, at)),
        (number(), number()).prop_map(|(a, b)| View::Transpose(a, b)),
        number().prop_map(View::Flip),
        Just(View::Flatten),
    ]
}

fn apply(view: &View, tensor: &Tensor, model: &Model) -> (Tensor, Model) {
    let (dimensions, shape) = (model.shape.len(), model.shape.clone());
    match *view {
        View::Slice(axis, a, b) => {
            let axis = axis % dimensions;
            let (a, b) = (a % (shape[axis] + 1), b % (shape[axis] + 1));
            let (start, end) = (a.min(b), a.max(b));
            let mut cut = shape;
            cut[axis] = end - start;
            let source = |at: &[usize]| {
                let mut at = at.to_vec();
                at[axis] += start;
                at
            };
            (
                tensor.slice(axis, start..end).unwrap(),
                model.view(cut, source),
            )
        }
        View::Select(axis, at) if shape[axis % dimensions] > 0 && dimensions > 1 => {
            let axis = axis % dimensions;
            let chosen = at % shape[axis];
            let mut rest = shape;
            rest.remove(axis);
            let source = |at: &[usize]| {
                let mut at = at.to_vec();
                at.insert(axis, chosen);
                at
            };
            (
                tensor.select(axis, chosen).unwrap(),
                model.view(rest, source),
            )
        }
        View::Transpose(a, b) => {
            let (a, b) = (a % dimensions, b % dimensions);
            let mut swapped = shape;
            swapped.swap(a, b);
            let source = |at: &[usize]| {
                let mut at = at.to_vec();
                at.swap(a, b);
                at
            };
            (tensor.transpose(a, b).unwrap(), model.view(swapped, source))
        }
        View::Flip(axis) => {
            let axis = axis % dimensions;
            let size = shape[axis];
            let source = |at: &[usize]| {
                let mut at = at.to_vec();
                at[axis] = size - 1 - at[axis];
                at
            };
            (tensor.flip(axis).unwrap(), model.view(shape, source))
        }
        View::Flatten | View::Select(..) => {
            let count = model.numbers.len();
            let flat = tensor.contiguous().unwrap().reshape(&[count]).unwrap();
            (
                flat,
                Model {
                    shape: vec![count],
                    numbers: model.numbers.clone(),
                },
            )
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn views_show_what_copies_would(
        shape in prop::collection::vec(0..5_usize, 1..5),
        views in prop::collection::vec(any_view(), 0..8),
    ) {
        let mut tensor = counting(&shape);
        let mut model = Model { shape, numbers: tensor.to_vec().unwrap() };
        for view in &views {
            (tensor, model) = apply(view, &tensor, &model);
            prop_assert_eq!(tensor.shape(), &model.shape[..]);
            prop_assert_eq!(tensor.to_vec::<i32>().unwrap(), &model.numbers[..]);
            for (index, number) in model.numbers.iter().enumerate() {
                prop_assert_eq!(tensor.get::<i32>(&position(index, &model.shape)), Some(*number));
            }
            let packed = tensor.contiguous().unwrap();
            prop_assert_eq!(packed.as_slice::<i32>().unwrap(), &model.numbers[..]);
            if tensor.is_contiguous() {
                prop_assert_eq!(tensor.as_slice::<i32>().unwrap(), &model.numbers[..]);
            }
        }
    }

    #[test]
    fn a_tensor_never_leaves_its_buffer(
        bytes in 0..64_usize,
        shape in prop::collection::vec(0..5_usize, 0..4),
        strides in prop::collection::vec(-6..6_isize, 4),
        offset in 0..40_usize,
    ) {
        let strides = &strides[..shape.len()];
        let tensor = Tensor::from_strided(Buffer::zeroed(bytes), ScalarType::I16, &shape, strides, offset);
        let count: usize = shape.iter().product();
        let inside = (0..count).all(|index| {
            let steps = position(index, &shape).into_iter().zip(strides);
            let place = offset as isize + steps.map(|(at, stride)| at as isize * stride).sum::<isize>();
            place >= 0 && (place as usize + 1) * 2 <= bytes
        });
        prop_assert_eq!(tensor.is_ok(), inside);
        if let Ok(tensor) = tensor {
            prop_assert_eq!(tensor.to_vec::<i16>().unwrap().len(), count);
        }
    }
}
